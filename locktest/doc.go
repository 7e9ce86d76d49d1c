// Package locktest is for tests of programs that use package locks.
//
// [New] gives a test stores in memory, one for each alias, and a registry that
// knows them. The test then does to the code what a bad day does: somebody else
// holds the key ([Stores.Hold]), the lock is lost ([Stores.Lose]), the store is
// away ([Stores.Down]) or slow ([Stores.Slow]).
//
//	func TestHeldBySomebodyElse(t *testing.T) {
//		s := locktest.New(t)
//		release := s.Hold("default", "report")
//		if err := buildReport(t.Context(), s.Registry(), ok); !errors.Is(err, locks.ErrLockActive) {
//			t.Errorf("while another builds it: %v, want ErrLockActive", err)
//		}
//		release()
//		if err := buildReport(t.Context(), s.Registry(), ok); err != nil {
//			t.Error(err)
//		}
//	}
//
// where buildReport passes its registry on to locks.WithRegistry. [Default] is
// for locks on the default registry, such as those in package variables. More
// tests like this one are in the guide, docs/guides/testing.md.
//
// # Time
//
// The stores work in a bubble of testing/synctest, where leases, renewals and
// waits of hours take no time. Make the stores inside the bubble:
//
//	func TestStoreSlow(t *testing.T) {
//		synctest.Test(t, func(t *testing.T) {
//			s := locktest.New(t)
//			s.Slow("default", time.Minute)
//			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
//			defer cancel()
//			if err := buildReport(ctx, s.Registry(), ok); !errors.Is(err, context.DeadlineExceeded) {
//				t.Errorf("with a slow store: %v, want DeadlineExceeded", err)
//			}
//		})
//	}
//
// # The end of a test
//
// A test fails at its end if a key is still held or waited for; the failure names
// the key, its holder and since when. Of those who wait in line behind others of the
// process, or for a store that is down, it tells how many they are. Whoever gives a lock
// back, or gives up a wait, because t.Context has ended, is waited for: for a second at
// most. After that the registry is shut down, and nothing that it started goes on. A
// call that is still made then is ErrClosed.
//
// Not held, and no failure, is:
//
//   - a key that WithKeep or WithMinHold left held on purpose, by nobody;
//   - a lock whose lease has ended by itself, or was lost;
//   - a lock whose Release was called while the store was down or slow, so that
//     the store still has it.
//
// Locks made by locks.Local are on no store, and are not looked at.
package locktest
