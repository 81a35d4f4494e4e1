#!/usr/bin/perl
# SPDX-License-Identifier: ISC
# Ask appmsgd from Perl, without modules that do not come with it:
# lookup.pl KEY [HOST [PORT]]

use strict;
use warnings;
use IO::Socket::IP;
use JSON::PP;

my $key = shift // die "lookup.pl KEY [HOST [PORT]]\n";
my $host = shift // '127.0.0.1';
my $port = shift // 65432;
utf8::decode($key);
my $content = encode_json({ action => 'search', value => $key });
my $header = encode_json({ 'byteorder' => 'little',
    'content-type' => 'text/json', 'content-encoding' => 'utf-8',
    'content-length' => length $content });
my $socket = IO::Socket::IP->new(PeerHost => $host, PeerPort => $port)
    or die "$host:$port: $@\n";
print $socket pack('n/a*', $header), $content;
$socket->flush;

sub take {
	my ($length) = @_;
	my $got = read($socket, my $data, $length);
	die "the reply was cut\n" unless defined $got && $got == $length;
	return $data;
}

my $reply = decode_json(take(unpack 'n', take(2)));
binmode STDOUT, ':utf8';
print decode_json(take($reply->{'content-length'}))->{result}, "\n";
