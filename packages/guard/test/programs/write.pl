# Appends to FILE for as long as it lives, whatever signals it gets.
use strict;
my ($file) = @ARGV;
$SIG{$_} = 'IGNORE' for qw(HUP INT QUIT TERM USR1 USR2);
open my $out, '>>', $file or die "$file: $!";
while (1) { syswrite $out, "x"; select undef, undef, undef, 0.001 }
