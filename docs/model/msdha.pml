/* MSDHA's protocol for three nodes (docs/protocol.md says why it is as it is), for Spin to try in every interleaving:
 * script/check-model.
 *
 * The promise: of no two nodes that were promoted is something running at the same time.
 *
 * What is abstracted, and why nothing is lost by it:
 * - Time is counted in quarters of the shortest TTL. Within a tick everything can happen, in any order; the clock
 *   goes on at any moment at which no guard has yet to kill something in this tick.
 * - Nobody but the guard is ever in time. A supervisor does its next step now, later or never: between any two steps
 *   it may be slow, blocked, or frozen (with its guard alive) and thawed. The time that a request takes is in this too.
 * - The lock can be gone at any time, for no reason. Expiry, revocation, deletion by hand and a stale leader are one
 *   to the protocol, which asks nothing of etcd's lease clock. The same holds for a hand-over.
 * - A node may end at any time. To learn of a loss is one case of that: etcd's answers that tell of one need no steps
 *   of their own.
 * - Proofs are sent all the time, and each may be answered at once, late or never. So an answer can give at most the
 *   last moment at which the lock was still the node's, and that is what it gives here.
 * - Who takes the lock has seen at once that it was free. Who sees it later, or only by taking it, waits longer, which
 *   is a supervisor being slow.
 * - A node that has not sent its publication has nothing at stake: its end takes no time, and what runs of it is not
 *   looked at. Until it receives the lock it is as well proved as it can be.
 */

/* ---- The rules. Each switch (-D) takes one away, and then Spin has to find a violation. ---- */

#ifdef MIXED_TTLS
#define TTL(n) (n == 0 -> 8 : 4)
#define LATEST_KILL 14
#define LONGEST_WAIT 16
#else
#define TTL(n) 4
#define LATEST_KILL 7
#define LONGEST_WAIT 8
#endif
#define KILL_AT(n) (7 * TTL(n) / 4) /* rule 2: everything is killed 1.75 TTL after `seen` */
#ifndef FACTOR
#define FACTOR 2
#endif
#define WAIT(ttl) ((ttl) * FACTOR)  /* rule 4: who takes the lock waits for 2 TTL */

/* Rule 1: a proof is a read of the lock by a quorum, and it proves the moment at which it was sent. */
#ifdef UNPROVED
#define answered(n) true
#define proven_age(n) 0
#elif defined(SEEN_AT_RECEIPT)
#define answered(n) (since[n] < TTL(n))
#define proven_age(n) 0
#else
#define answered(n) (since[n] < age[n])
#define proven_age(n) since[n]
#endif

/* Rule 2: the kill time is armed before `master` is published. */
#ifdef ARMED_LATE
#define arms_in_time false
#else
#define arms_in_time true
#endif

/* Rule 3: who may not be killed is not promoted; nor is the lock given back while something is alive that is refused. */
#ifdef DENIED_UNCHECKED
#define may_be_master(n) true
#else
#define may_be_master(n) (!denied[n])
#endif
#ifdef GIVEN_BACK_DENIED
#define gives_back_denied true
#else
#define gives_back_denied false
#endif

/* Not promised: a machine that stands still with its clocks and its guard, such as a paused virtual machine. */
#ifdef DENIED
#define can_be_denied true
#else
#define can_be_denied false
#endif
#ifdef MACHINE_PAUSED
#define can_pause true
#else
#define can_pause false
#endif

/* Rule 4: the wait counts from an answer that showed the lock free, or taken, with no step of the lock unseen since;
 * only a publication lowers the group's longest TTL. */
#ifdef WAIT_FROM_BEFORE
#define counts_from_release false
#else
#define counts_from_release true
#endif
#ifdef RECORD_LOWERED_EARLY
#define record_of_taker(n) TTL(n)
#else
#define record_of_taker(n) longest(n)
#endif
#ifdef RECORD_DELETED
#define record_can_go true
#else
#define record_can_go false
#endif

/* Rule 5: a write that asserts or gives up mastership compares the token. */
#ifdef PUBLISHED_BLINDLY
#define may_publish(n) true
#else
#define may_publish(n) (lock == n)
#endif
#ifdef GIVEN_BACK_BLINDLY
#define may_give_back(n) true
#else
#define may_give_back(n) (lock == n)
#endif

/* What operators may ask for: under a pause no node takes the lock. What a node believes of a pause may be old. */
#ifdef PAUSES
#define can_be_paused true
#else
#define can_be_paused false
#endif
#ifdef PAUSE_NOT_COMPARED
bool believes_paused[3];
#define may_take(n) (!believes_paused[n])
#define hear_of_pause(n) believes_paused[n] = paused
#define hears(n) (believes_paused[n] != paused)
#else
#define may_take(n) (!paused)
#define hear_of_pause(n) skip
#define hears(n) false
#endif

/* Rule 7: a hand-over is written when everything is gone, and not by a node that gave up in the middle of its wait. */
#ifdef HANDOVER_BEFORE_GONE
#define may_hand_over(n) true
#else
#define may_hand_over(n) (runs[n] == none)
#endif
#ifdef HANDOVER_IN_WAIT
#define hands_over_in_wait true
#else
#define hands_over_in_wait false
#endif

/* Rule 10: the guard kills in time whatever its supervisor does, and looks at the time before the `master` hook. */
#ifdef NO_GUARD
#define guard_is_done(n) true
#else
#define guard_is_done(n) (runs[n] == none || !armed[n] || age[n] < KILL_AT(n) || denied[n])
#endif
#ifdef HOOK_UNGUARDED
#define may_start_hook(n) true
#else
#define may_start_hook(n) (age[n] < KILL_AT(n))
#endif

/* No rule: Spin has to find a second master that came by a wait (0) or a hand-over (1), or this model shows nothing. */
#ifdef WITNESS
bool had_master, by_handover;
#define note_taking by_handover = handover
#define note_master assert(!had_master || by_handover != WITNESS); had_master = true
#else
#define note_taking skip
#define note_master skip
#endif

/* ---- The state of everything. ---- */

#define NODES 3
#define FREE NODES         /* nobody holds the lock */
#define FORMER (NODES + 1) /* it is on the lease of a run that is over */

/* asking: for the lock, or on the way there. lost: the supervisor has ended, or has begun to kill everything. */
mtype = { asking, taken, waiting, publishing, hook, master, stopping, giving, lost };
mtype = { none, slave, promoted };

/* etcd */
byte lock = FREE;
bool handover;      /* _handover is there */
byte record;        /* _ttl */
bool paused;        /* _ask/pause is there */
byte released;      /* ticks since the lock was let go or lost; goes on until the next one's wait is over */
byte wait;          /* how large that must be for the lock's holder; 0 where it came by a hand-over */

/* Each node: where its supervisor is, and what runs of it. */
mtype state[NODES] = asking;
mtype runs[NODES] = slave;
byte age[NODES];    /* ticks since `seen` */
byte since[NODES];  /* ticks since the lock was its own, as far as a proof can tell */
bool sent[NODES];   /* its publication is under way */
bool armed[NODES];  /* its guard was told the kill time */
bool denied[NODES]; /* its guard may not kill something that it runs */

#define longest(n) (record > TTL(n) -> record : TTL(n))
#define fresh(n) (age[n] < TTL(n)) /* its lease is not lost: what a supervisor looks at before every step */
#define serving(n) (state[n] == publishing || state[n] == hook || state[n] == master)
#define counting(n) (lock == n && (state[n] == asking || state[n] == taken || state[n] == waiting))
#define proving(n) (state[n] == waiting || serving(n) || state[n] == stopping || state[n] == giving)

/* It can't kill what is left, and keeps the lock for as long as that is alive. Its proofs are assumed to go on. */
#define keeps(n) (denied[n] && state[n] == stopping)

/* It has the lock and is not published: without the lock nothing can come of it, as publications compare the token. */
#ifdef PUBLISHED_BLINDLY
#define before_publication(n) (lock == n && state[n] == waiting)
#else
#define before_publication(n) (lock == n && (state[n] == taken || state[n] == waiting || sent[n]))
#endif

inline release() {
  lock = FREE; wait = 0;
  if :: counts_from_release -> released = 0 :: else fi
}

inline promote(n) {
  runs[n] = promoted;
  assert((n == 0 || runs[0] != promoted) && (n == 1 || runs[1] != promoted) && (n == 2 || runs[2] != promoted))
}

/* The end of a run, and the next one, on a new lease: the lock of the one before is nothing to it. */
inline start_anew(n) {
  if :: lock == n -> lock = FORMER :: else fi;
  state[n] = asking; runs[n] = slave; sent[n] = false; armed[n] = false; denied[n] = false;
  age[n] = 0; since[n] = 0
}

/* What was promoted, or still may be, has to go before the run is over; nothing is at stake in any other. */
inline end_run(n) {
  if :: runs[n] == promoted || (runs[n] == slave && sent[n] && may_publish(n)) -> state[n] = lost; since[n] = 0
     :: else -> start_anew(n)
  fi
}

proctype Supervisor(byte n) {
  do
  /* Rule 6: one transaction takes the lock. A lost answer is asked for again, and the lock on one's lease adopted. */
  :: atomic { state[n] == asking && lock == FREE && may_take(n) -> state[n] = taken; assert(!paused);
       note_taking; printf("etcd: the lock is node %d's, by hand-over: %d\n", n, handover);
       lock = n; wait = (handover -> 0 : WAIT(longest(n))); handover = false; record = record_of_taker(n) }
  :: atomic { state[n] == asking && lock == n -> state[n] = taken }
  :: atomic { state[n] == taken -> state[n] = asking; printf("node %d: an answer is lost\n", n) }
  :: atomic { hears(n) -> hear_of_pause(n); printf("node %d: learns of the pause, or of its end\n", n) }

  /* Rule 4: the wait. */
  :: atomic { state[n] == taken -> state[n] = waiting; age[n] = 0; since[n] = 0;
       printf("node %d: hears that it has the lock\n", n) }

  /* Rules 2, 5, 10: the kill time is armed, `master` published if the lock is still its own, the hook started. */
  :: atomic { state[n] == waiting && fresh(n) && released >= wait && may_be_master(n) -> state[n] = publishing; sent[n] = true;
       armed[n] = arms_in_time; wait = 0; released = 0 }
  :: atomic { sent[n] && may_publish(n) -> sent[n] = false; record = TTL(n);
       note_master; printf("etcd: node %d is master\n", n);
       if :: runs[n] != none -> promote(n) :: else fi }
  :: atomic { state[n] == publishing && !sent[n] && fresh(n) -> state[n] = hook; armed[n] = true }
  :: atomic { state[n] == hook && may_start_hook(n) -> state[n] = master; printf("node %d: master hook\n", n);
       promote(n) }

  /* Rule 1: the answer to a proof. */
  :: atomic { proving(n) && fresh(n) && answered(n) -> age[n] = proven_age(n) }

  /* Rule 7: a planned stop. The lock is handed over, by a transaction that may be carried out late, or never. */
  :: atomic { serving(n) -> state[n] = stopping; printf("node %d: stops\n", n) }
  :: atomic { state[n] == stopping && runs[n] != none && !denied[n] -> runs[n] = none; printf("node %d: is gone\n", n) }
  :: atomic { state[n] == stopping && fresh(n) && may_hand_over(n) -> state[n] = giving }
  /* Rule 3: something runs as a user whose processes the guard may not signal. */
  :: atomic { can_be_denied && (state[n] == waiting || (state[n] == stopping && lock == n && fresh(n))) &&
       runs[n] != none && !denied[n] ->
       denied[n] = true; printf("node %d: may not kill something that it runs\n", n) }
  :: atomic { keeps(n) && gives_back_denied && may_give_back(n) -> release(); state[n] = lost;
       printf("etcd: node %d has given the lock back\n", n) }
  /* So is the lock by a node that, after its wait, may not be master: it was not promoted, and nobody else is left. */
  :: atomic { state[n] == waiting && fresh(n) && (released >= wait || hands_over_in_wait) -> state[n] = giving;
       printf("node %d: does not want the lock\n", n) }
  :: atomic { state[n] == giving && may_give_back(n) -> release(); handover = true; end_run(n);
       printf("etcd: node %d has handed over\n", n) }

  /* Any other end, at any time. */
  :: atomic { (state[n] == taken || proving(n)) && !keeps(n) -> end_run(n); printf("node %d: is lost\n", n) }
  od
}

/* Rules 2 and 3. Once its supervisor has ended, at any time; otherwise at the kill time, which the clock waits for. */
proctype Guard(byte n) {
  do
  :: atomic { runs[n] != none && !denied[n] && (state[n] == lost || (armed[n] && age[n] >= KILL_AT(n))) -> runs[n] = none;
       if :: state[n] == lost -> start_anew(n) :: else fi;
       printf("node %d: is killed\n", n) }
  od
}

proctype Etcd() {
  do
  :: atomic { lock == FORMER -> release() }
  :: atomic { lock < NODES && !keeps(lock) -> printf("etcd: the lock is gone\n");
       if :: before_publication(0) -> start_anew(0)
          :: before_publication(1) -> start_anew(1)
          :: before_publication(2) -> start_anew(2)
          :: else
       fi; release() }
  :: atomic { handover -> handover = false }
  :: atomic { lock == FREE -> lock = FORMER; handover = false } /* a request of a run that is over, carried out late */
  /* Only where it changes anything: with the lock taken, or gone for good, a pause forbids nothing. */
  :: atomic { can_be_paused && lock == FREE -> paused = !paused; printf("etcd: a pause begins or ends: %d\n", paused) }
  :: atomic { record > 0 && record_can_go -> record = 0; printf("etcd: _ttl is gone\n") }
  od
}

inline pass(n) {
  if :: (proving(n) || state[n] == lost) && age[n] < LATEST_KILL && !keeps(n) -> age[n]++
     :: can_pause -> skip
     :: else
  fi;
  if :: proving(n) && fresh(n) && lock != n && since[n] < TTL(n) -> since[n]++
     /* Late, a supervisor can only end, but for what it has already asked of the guard or of etcd. */
     :: proving(n) && !fresh(n) -> since[n] = 0; if :: state[n] != hook && state[n] != giving -> end_run(n) :: else fi
     :: else fi
}

#define goes_on (lock == FREE || counting(0) || counting(1) || counting(2) || !counts_from_release)

proctype Clock() {
  do
  :: atomic { guard_is_done(0) && guard_is_done(1) && guard_is_done(2) ->
       printf("a quarter of a TTL passes\n"); pass(0); pass(1); pass(2);
       if :: released < LONGEST_WAIT && goes_on -> released++ :: else fi }
  od
}

init {
  atomic {
    run Supervisor(0); run Supervisor(1); run Supervisor(2);
    run Guard(0); run Guard(1); run Guard(2);
    run Etcd(); run Clock()
  }
}
