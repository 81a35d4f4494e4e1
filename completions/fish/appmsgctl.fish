# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The appmsgd authors
#
# Fish completion for appmsgctl(8).  What there is comes from the program's own
# --help, with what it says of it.

function __appmsgctl_option
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
    complete -c appmsgctl $option
end

complete -c appmsgctl -f
for line in (appmsgctl --help 2>/dev/null)
    __appmsgctl_option $line
end

# The commands, each with what it does.
function __appmsgctl_commands
    appmsgctl --help 2>/dev/null |
        string replace -rf '^  ([a-z]+)(?: [][A-Z]+)*(?:  +|$)(.*)$' '$1\t$2'
end

function __appmsgctl_has_no_command
    not __fish_seen_subcommand_from (__appmsgctl_commands |
        string replace -r '\t.*' '')
end

complete -c appmsgctl -n __appmsgctl_has_no_command \
    -a '(__appmsgctl_commands)'
complete -c appmsgctl -n '__fish_seen_subcommand_from log' \
    -a 'warn info debug'
