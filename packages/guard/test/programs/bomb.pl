# A tree of processes of some DEPTH, half of them in sessions of their own, in which each starts its children again
# when they die. For SECONDS at most.
use strict;
use POSIX ();
my ($depth, $seconds) = @ARGV;
my $end = time + $seconds;
$SIG{$_} = 'IGNORE' for qw(HUP INT QUIT TERM);
sub grow {
  my ($left) = @_;
  my $children = 0;
  while (time < $end) {
    while ($left && $children < 2) {
      my $pid = fork;
      last unless defined $pid;
      if (!$pid) { POSIX::setsid() if $children; grow($left - 1) }
      $children++;
    }
    if ($children) { wait; $children-- } else { select undef, undef, undef, 0.1 }
  }
  POSIX::_exit(0);
}
grow($depth);
