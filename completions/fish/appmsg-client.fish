# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The appmsgd authors
#
# Fish completion for appmsg-client(1).  Options and commands are those that the
# program's own --help names, with what it says of them.  Tables and keys are
# the server's, which is asked for a moment; fish quotes what it completes.

# The commands, each with what it does.
function __appmsg_client_commands
    appmsg-client --help 2>/dev/null |
        string replace -rf '^  ([a-z]+)(?: [][A-Z. ]+)?  +(.*)$' '$1\t$2'
end

# The ways to match, and when keys may be coloured.
function __appmsg_client_ways
    appmsg-client --help 2>/dev/null |
        string replace -rf '^ +(exact, .*)$' '$1' | string split ', '
end

function __appmsg_client_colors
    appmsg-client --help 2>/dev/null |
        string replace -rf '.*--color=WHEN [a-z ]*: ' '' |
        string replace -ra ' *\([^)]*\)' '' | string split ', '
end

function __appmsg_client_orders
    appmsg-client --help 2>/dev/null |
        string replace -rf '.*--order=ORDER [a-z ]*: ([a-z ]*),.*' '$1' |
        string split ' or '
end

# Of the words before the cursor: the options that say which server is asked, a
# line each, then one with the table, or none, and one with the action and
# whether -- is among them.  Fails when the shell would expand something first.
function __appmsg_client_where
    string match -qr '[$(~*?{]' -- (commandline -pc | string collect)
    and return 1
    set -l words (commandline -opc)
    set -e words[1]
    set -l action
    set -l ended
    set -l table
    while set -q words[1]
        set -l word $words[1]
        set -e words[1]
        if set -q ended[1]; or not string match -qr '^-.' -- $word
            set -q action[1]
            or set action $word
            continue
        end
        switch $word
            case --
                set ended 1
            case --tls '--host=*' '--port=*' '--unix=*' '--ca=*' '--cert=*' \
                '--key=*' '--server-name=*'
                echo -- $word
            case '--table=*'
                set table $word
            case --host --port --unix --ca --cert --key --server-name
                echo -- $word=$words[1]
                set -e words[1]
            case --table
                set table $word=$words[1]
                set -e words[1]
            case --timeout --connections --match --limit --distance \
                --after --order --suggest --color
                set -e words[1]
            case '--*'
            case '*'
                # Letters, the first one with a value has the rest or the next.
                set -l found (string match -r '^-[^HpUtcmndT]*([HpUtcmndT])(.*)' -- $word)
                or continue
                set -l value $found[3]
                if test -z "$value"
                    set value $words[1]
                    set -e words[1]
                end
                switch $found[2]
                    case T
                        set table --table=$value
                    case H p U
                        echo -- -$found[2]$value
                end
        end
    end
    echo -- $table
    echo "$action $ended"
end

# Ask the server that the line names, for a moment only.
function __appmsg_client_ask
    set -l where (__appmsg_client_where)
    or return 1
    set -e where[-2..-1]
    appmsg-client $where -t 0.2 -q $argv </dev/null 2>/dev/null
end

# Such names as there can be.
function __appmsg_client_tables
    __appmsg_client_ask tables | string match -r '^[A-Za-z0-9._-]+$'
end

# Those keys that begin with what is there, but for such with control
# characters, which are no lines here, and such with a tilde before all, which
# fish would expand.
function __appmsg_client_keys
    set -l where (__appmsg_client_where)
    or return
    set -l state (string split ' ' -- $where[-1])
    test "$state[1]" = search
    or return
    set -l text (commandline -ct)
    set -l quote (string match -r '^["\']' -- $text)
    set text (string unescape -- "$text$quote")
    test "$text" != -
    or return
    for key in (__appmsg_client_ask (string match -- '?*' $where[-2]) -m prefix \
        -n 50 --tsv search -- "$text" |
        cut -f 1 | string match -r '^(?!~)(?:[^\\\\]|\\\\\\\\)*$' |
        string replace -a '\\\\' '\\')
        if test "$key" != -; and begin
                test "$state[2]" = 1; or not string match -q -- '-*' $key
            end
            echo -- $key
        end
    end
end

function __appmsg_client_option
    # Letters, name, value and description of a line of --help.
    set -l found (string match -r '^ +(-[A-Za-z], |)--([a-z-]+)(=[A-Z,.]+|)  +(.*)$' -- $argv[1])
    or return
    set -l option -l $found[3] -d $found[5]
    test -z "$found[2]"
    or set -a option -s (string sub -s 2 -l 1 -- $found[2])
    switch $found[3]
        case unix ca cert key
            set -a option -rF
        case host server-name
            set -a option -x -a '(__fish_print_hostnames)'
        case match
            set -a option -x -a '(__appmsg_client_ways)'
        case color
            set -a option -x -a '(__appmsg_client_colors)'
        case order
            set -a option -x -a '(__appmsg_client_orders)'
        case table
            set -a option -x -a '(__appmsg_client_tables)'
        case '*'
            test -z "$found[4]"
            or set -a option -x
    end
    complete -c appmsg-client $option
end

function __appmsg_client_has_no_command
    set -l where (__appmsg_client_where)
    and test -z (string split ' ' -- $where[-1])[1]
end

complete -c appmsg-client -f
for line in (appmsg-client --help 2>/dev/null)
    __appmsg_client_option $line
end
complete -c appmsg-client -n __appmsg_client_has_no_command \
    -a '(__appmsg_client_commands)'
complete -c appmsg-client -k -a '(__appmsg_client_keys)'
