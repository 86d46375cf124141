#!/usr/bin/perl
# Writes a line to a journal: "WHAT NODE RUN PID TIME REST". TIME is when this process came to be (to 10 ms, never late),
# on CLOCK_BOOTTIME in milliseconds, so that a hook which `exec`s this tells when it was started itself.
#
#   note.pl JOURNAL WHAT NODE RUN REST [MS]
#
# With MS it goes on writing beats for so long.
use strict;
use warnings;
use Time::HiRes qw(clock_gettime);

my ($journal, $what, $node, $run, $rest, $ms) = @ARGV;
open(my $stat, '<', '/proc/self/stat') or die "can't read /proc/self/stat: $!";
my ($after) = <$stat> =~ /.*\) (.*)/;
my $born = (split / /, $after)[19] * 10;
open(my $out, '>>', $journal) or die "can't open $journal: $!";
sub now { return int(clock_gettime(7) * 1000) }
syswrite($out, "$what $node $run $$ $born $rest\n");
my $until = now() + ($ms // 0);
while (now() < $until) {
    syswrite($out, "beat $node $run $$ " . now() . "\n");
    select(undef, undef, undef, 0.01);
}
