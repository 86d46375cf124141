# One process at a time, but never the same for long: forks, leaves its session and ends. For SECONDS at most.
use strict;
use POSIX ();
my ($file, $seconds) = @ARGV;
my $end = time + $seconds;
open my $out, '>>', $file or die "$file: $!";
while (time < $end) {
  my $pid = fork;
  next unless defined $pid;
  POSIX::_exit(0) if $pid;
  POSIX::setsid();
  syswrite $out, "x";
}
