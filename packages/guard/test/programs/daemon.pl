# Becomes a daemon by the book (fork, setsid, fork) and runs the rest of its arguments; the first process ends.
use strict;
use POSIX ();
if (fork) { exit 0 }
POSIX::setsid();
if (fork) { exit 0 }
exec @ARGV or die "$ARGV[0]: $!";
