#!/usr/bin/perl
# A `master` hook for tests: writes to the journal that its node is promoted, and who of another node is alive then.
#
#   promoted.pl JOURNAL NODE RUN TOKEN OTHER-NODE RUN-DIR FOLDER
#
# A process belongs to the other node when it works in that folder, as all of a PostgreSQL server's do, or has its run
# folder and a hook's name in its environment. Lines: "master NODE RUN PID TIME TOKEN", TIME being when this hook came
# to be, and "alive OTHER-NODE ? PID TIME WHAT".
use strict;
use warnings;
use Time::HiRes qw(clock_gettime);

my ($journal, $node, $run, $token, $other, $run_dir, $folder) = @ARGV;
open(my $stat, '<', '/proc/self/stat') or die "can't read /proc/self/stat: $!";
my ($after) = <$stat> =~ /.*\) (.*)/;
my $born = (split / /, $after)[19] * 10;
open(my $out, '>>', $journal) or die "can't open $journal: $!";
syswrite($out, "master $node $run $$ $born $token\n");

sub content {
    my ($file) = @_;
    open(my $in, '<', $file) or return '';
    local $/;
    return readline($in) // '';
}

for my $process (glob '/proc/[0-9]*') {
    my ($pid) = $process =~ /(\d+)$/;
    # Dead ones that nobody has looked at yet have no folder.
    my $cwd = readlink("$process/cwd") or next;
    my $environment = "\0" . content("$process/environ");
    my $started = $environment =~ /\0MSDHA_RUN_DIR=\Q$run_dir\E\0/ && $environment =~ /\0MSDHA_HOOK=/;
    next unless $started || $cwd eq $folder;
    my ($state) = content("$process/stat") =~ /\) (\S)/;
    next if !defined $state || $state =~ /[ZX]/;
    my $command = content("$process/cmdline") =~ tr/\0 /__/r;
    syswrite($out, "alive $other ? $pid " . int(clock_gettime(7) * 1000) . " $command\n");
}
