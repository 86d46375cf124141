#!/usr/bin/perl
# A main process for tests. It writes a line to the journal every 10 ms for as long as it, or anything that it
# started, is alive: "beat NODE RUN PID TIME", TIME being CLOCK_BOOTTIME in milliseconds.
#
#   beater.pl JOURNAL NODE MODE [ADDRESS PORT]
#
# MODE: plain            ends on SIGTERM
#       ignore-term      does not
#       slow:MS          ends MS after SIGTERM
#       setsid           has a child in a session of its own that goes on when its parent is gone
#       double-fork      has a daemon as a grandchild, forked twice
#       exit:CODE:MS     ends by itself with that code after so long
# RUN is BEATER_RUN, or its own PID. With ADDRESS and PORT it tells its name to everyone who connects.
use strict;
use warnings;
use IO::Socket::INET;
use IO::Select;
use POSIX qw(setsid);
use Time::HiRes qw(clock_gettime);

my ($journal, $node, $mode, $address, $port) = @ARGV;
my $run = $ENV{BEATER_RUN} // $$;
open(my $out, '>>', $journal) or die "can't open $journal: $!";

sub now { return int(clock_gettime(7) * 1000) }
sub note { my ($what) = @_; syswrite($out, "$what $node $run $$ " . now() . "\n") }
sub beat_for_ever { while (1) { note('beat'); select(undef, undef, undef, 0.01) } }

$SIG{USR1} = sub { note('usr1') };
$SIG{HUP} = sub { note('hup') };
$SIG{USR2} = sub { note('usr2') };
$SIG{PIPE} = 'IGNORE';
my $stop_at;
my $after = $mode =~ /^slow:(\d+)$/ ? $1 : 0;
$SIG{$_} = sub { note('asked'); $stop_at //= now() + $after } for qw(TERM INT);
$SIG{TERM} = 'IGNORE' if $mode eq 'ignore-term';

if ($mode eq 'setsid') {
    if (fork() == 0) { setsid(); $SIG{$_} = 'IGNORE' for qw(TERM INT HUP); beat_for_ever() }
}
if ($mode eq 'double-fork') {
    my $child = fork();
    if ($child == 0) {
        setsid();
        if (fork() == 0) { $SIG{$_} = 'IGNORE' for qw(TERM INT HUP); beat_for_ever() }
        POSIX::_exit(0);
    }
    waitpid($child, 0);
}
my ($code, $exit_at) = $mode =~ /^exit:(\d+):(\d+)$/ ? ($1, now() + $2) : (0, undef);

my $server;
if ($port) {
    $server = IO::Socket::INET->new(LocalAddr => $address, LocalPort => $port, Listen => 128, ReuseAddr => 1)
        or die "can't listen on $address:$port: $!";
}
my $select = IO::Select->new($server ? ($server) : ());
note('begin');
while (1) {
    note('beat');
    if (defined $stop_at && now() >= $stop_at) { note('end'); exit 0 }
    if (defined $exit_at && now() >= $exit_at) { note('end'); exit $code }
    if ($server) {
        for my $ready ($select->can_read(0.01)) {
            if ($ready == $server) {
                my $client = $server->accept or next;
                $client->syswrite("$node\n");
                $select->add($client);
            } else {
                my $read = sysread($ready, my $text, 4096);
                if ($read) { $ready->syswrite($text) } else { $select->remove($ready); close $ready }
            }
        }
    } else {
        select(undef, undef, undef, 0.01);
    }
}
