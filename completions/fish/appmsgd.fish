# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The appmsgd authors
#
# Fish completion for appmsgd(8).  What there is comes from the program's own
# --help, with what it says of it.

function __appmsgd_option
    # Letters, name, value and description of a line of --help.
    set -l found (string match -r '^ +(-[A-Za-z], |)--([a-z-]+)(=[A-Z]+|)  +(.*)$' -- $argv[1])
    or return
    set -l option -l $found[3] -d $found[5]
    test -z "$found[2]"
    or set -a option -s (string sub -s 2 -l 1 -- $found[2])
    switch $found[3]
        case config socket
            set -a option -rF
        case '*'
            test -z "$found[4]"
            or set -a option -x
    end
    complete -c appmsgd $option
end

complete -c appmsgd -f
for line in (appmsgd --help 2>/dev/null)
    __appmsgd_option $line
end
