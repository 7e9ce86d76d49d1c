package chaos

// chaotic is the test that all of this happens in at once.
const chaotic = "integration/chaos TestChaos"

// A row is one fault, and what each store promises of it.
type row struct {
	fault string
	cells []cell
}

// A cell is a promise of some stores, and the tests that show it, as "folder
// TestName".
type cell struct {
	stores  string
	promise string
	tests   []string
	missing string // why no test shows it, or not all of it
}

// faults is the table of docs/guarantees.md: what can go wrong, and what is
// promised then. It follows the life of a lock, then the ends of its store.
var faults = []row{
	{"the holder's process is killed", []cell{
		{"redis", "free when the lease ends", []string{"integration/redis TestAKilledOrFrozenHoldersKeyIsFreeWhenItsLeaseEnds", chaotic}, ""},
		{"postgres", "free at once; a waiter has it within 1.5 s", []string{"integration/postgres TestAHolderWhoseProcessDiesIsFreedAtOnce", chaotic}, ""},
		{"file", "free at once, and a waiter has it; what it was writing is whole", []string{
			"drivers/file TestAKilledHoldersLockIsFreeAtOnce", "drivers/file TestAWaiterGetsAKilledHoldersLock",
			"drivers/file TestKill9AtAnyInstantLosesNothing", chaotic,
		}, ""},
	}},
	{"the holder's machine loses power, or its network", []cell{
		{"postgres", "free no later than a lease after the process was last heard of", []string{"integration/postgres TestACutOffHolderIsToldBeforeAnotherHasItsLock"}, "shown by a network that is cut: to the server both look alike"},
		{"file", "free when the machine is up again, but for keys that were kept", []string{"drivers/file TestAfterARestartOfTheMachineOnlyKeptKeysAreHeld", "drivers/file TestKeptKeysOutliveTheMachine"}, "the restart is made by files of another boot"},
	}},
	{"the holder's process is frozen", []cell{
		{"redis", "free when the lease ends; it is not active when it goes on", []string{"integration/redis TestAKilledOrFrozenHoldersKeyIsFreeWhenItsLeaseEnds", chaotic}, ""},
		{"postgres", "free no later than a lease after it was last heard of, and no earlier than the shortest lease of its session", []string{"integration/postgres TestAFrozenHoldersLockIsFreedNoEarlierThanItsLeaseEndsAndNotMuchLater", chaotic}, ""},
		{"file", "free when the lease ends", []string{"drivers/file TestAFrozenHoldersLockIsFreeAfterItsLease", "drivers/file TestAProcessFrozenInAChangeStopsItsFilesKeysOnly", chaotic}, ""},
	}},
	{"a waiter's process is frozen", []cell{
		{"redis", "delays the others by two seconds at most", []string{"integration/redis TestAFrozenWaiterDelaysTheOthersByTwoSecondsAtMost"}, ""},
		{"postgres", "delays the others by the fallback at most", []string{"integration/postgres TestAFrozenWaiterDelaysTheOthersByTheFallbackAtMost", "integration/postgres TestAFrozenProcessInTheQueueDelaysTheOthersForAMoment"}, ""},
		{"file", "is passed over", []string{"drivers/file TestAFrozenWaiterIsPassedOver"}, ""},
	}},
	{"a waiter's process is killed", []cell{
		{"redis", "is skipped, and nothing stays in line", []string{"integration/redis TestADeadWaiterIsSkipped"}, ""},
		{"postgres", "is skipped, and nothing stays in line", []string{"integration/postgres TestADeadWaiterIsSkipped", "integration/postgres TestASessionThatDiesWithoutAWordIsFoundByThoseWhoWait", "integration/postgres TestAFrozenProcessInTheQueueDelaysTheOthersForAMoment"}, ""},
		{"file", "is skipped", []string{"drivers/file TestAKilledWaiterIsSkipped"}, ""},
	}},
	{"a waiter gives up at the moment of its grant", []cell{
		{"all", "the grant goes to the next", []string{
			"drivers/memory TestGrantOfACancelledWaitGoesOn", "drivers/file TestAGrantThatComesWithTheCancelGoesToTheNext",
			"integration/redis TestAGrantThatNobodyWaitsForGoesToTheNext", "integration/postgres TestAGrantThatNobodyHeardOfIsGivenBack",
			"locks TestGivingUpAtOnesTurn",
		}, ""},
	}},
	{"the reply to an acquire is lost", []cell{
		{"redis", "what it was granted is given back; a wait asks again for another owner", []string{"integration/redis TestAnAcquireWhoseReplyIsLostIsGivenBack"}, ""},
		{"postgres", "the session is closed, and the lock gone with it", []string{"integration/postgres TestAConnectionThatBreaksInTheMiddleOfAReplyLeavesNothingHeld"}, ""},
		{"all", "what may have been granted is given back in the background", []string{"locks TestLostReplyIsGivenBack", "locks TestGivingBackIsRepeatedWhileARequestMayArrive"}, ""},
	}},
	{"the reply to a release is lost", []cell{
		{"redis", "it is asked again; that nothing is held then is success", []string{"integration/redis TestAReleaseWhoseReplyIsLostSucceeds"}, ""},
		{"postgres", "the session is closed; its other locks are lost, and their holders told", []string{"integration/postgres TestAConnectionThatBreaksInTheMiddleOfAReplyLeavesNothingHeld"}, ""},
	}},
	{"a network is cut for less than half of the lease", []cell{
		{"redis", "nothing is lost", []string{"integration/redis TestACutShorterThanTheLeaseLosesNothing"}, ""},
		{"postgres", "nothing is lost", []string{"integration/postgres TestACutShorterThanTheSessionsTimeLosesNothing"}, ""},
	}},
	{"a network is cut for longer than the lease", []cell{
		{"redis", "the holder is told before the server gives the key to another", []string{"integration/redis TestACutLongerThanTheLeaseEndsTheHolderBeforeTheServerDoes", chaotic}, ""},
		{"postgres", "the holder is told before the server gives the key to another", []string{"integration/postgres TestACutOffHolderIsToldBeforeAnotherHasItsLock", chaotic}, ""},
	}},
	{"a reply takes longer than the lease", []cell{
		{"redis", "Acquire fails; no stale lock is had", []string{"integration/redis TestAReplyLaterThanTheLeaseSaysWhenTheRequestLeft", "locks TestLateReplyIsNoGrant"}, ""},
		{"postgres", "Acquire fails; no stale lock is had", []string{"integration/postgres TestAnAnswerThatComesAfterTheLeasesEndIsNoGrant"}, ""},
	}},
	{"the caller cancels in the middle of a call", []cell{
		{"redis", "it returns at once; what it was granted is given back", []string{"integration/redis TestACallerThatCancelsReturnsAtOnce", "integration/redis TestAnAcquireWhoseReplyIsWithheldLeavesNothingHeld"}, ""},
		{"postgres", "it returns in time; what it was granted is given back, and no other lock is lost", []string{"integration/postgres TestAGrantThatNobodyHeardOfIsGivenBack"}, ""},
	}},
	{"FLUSHALL, or a restart without what was written", []cell{
		{"redis", "lost, seen at the next renewal; tokens grow all the same", []string{"integration/redis TestAKeyThatTheServerRemovedIsLostAtTheNextRenewal", "integration/redis TestTokensGrowThroughTheLossOfTheData", chaotic}, ""},
		{"file", "of a folder that is removed: as on redis", []string{"drivers/file TestRemovedDataIsALossThatItsHolderLearns", "drivers/file TestRemovedDataStrandsNoWaiter", "drivers/file TestTokensGrowThroughEverything"}, ""},
	}},
	{"SCRIPT FLUSH", []cell{
		{"redis", "nobody notices", []string{"integration/redis TestAServerThatForgetsItsScriptsIsToldThemAgain", chaotic}, ""},
	}},
	{"the server evicts keys", []cell{
		{"redis", "lost, seen at the next renewal; Open warns of such a server", []string{"integration/redis TestAKeyThatTheServerRemovedIsLostAtTheNextRenewal", "integration/redis TestAServerThatEvictsIsWarnedOf", chaotic}, ""},
	}},
	{"the server's memory, or the disk, is full", []cell{
		{"redis", "new locks are refused; holders renew and release", []string{"integration/redis TestAFullServerRefusesNewLocksAndLeavesHoldersAlone"}, ""},
		{"file", "a change that can't be written is an error and changes nothing", []string{"drivers/file TestAFullDiskLeavesTheStateWhole", "drivers/file TestAChangeThatCantBeWrittenChangesNothing", chaotic}, ""},
	}},
	{"permission is taken away", []cell{
		{"file", "an error that names the folder", []string{"drivers/file TestADirectoryThatCantBeWrittenIsNamed", chaotic}, ""},
	}},
	{"a replica takes over that missed the last writes", []cell{
		{"redis", "what it missed may be granted twice; tokens grow, so that a resource is safe", []string{"integration/redis TestTokensGrowThroughAFailover", chaotic}, ""},
	}},
	{"READONLY, LOADING, CLUSTERDOWN", []cell{
		{"redis", "asked again until the lease ends", []string{"integration/redis TestAServerThatServesAgainSoonLosesNothing", "integration/redis TestAServerThatReadsItsDataIsUnavailableAndThenServes"}, ""},
	}},
	{"a slot moves to another node", []cell{
		{"redis", "followed, and nothing is lost", []string{"integration/redis TestLocksGoOnWhileTheirSlotMoves"}, ""},
	}},
	{"the end of a connection is seen late", []cell{
		{"postgres", "the server's last word ends the session, and its holders are told at once", []string{"drivers/postgres TestTheServersLastWordEndsTheSession", chaotic}, ""},
	}},
	{"the connection breaks that hears of releases", []cell{
		{"redis", "waiters ask again after the fallback at most", []string{"integration/redis TestALostSubscriptionDelaysByTheFallbackAtMost", chaotic}, ""},
		{"postgres", "waiters ask again after the fallback at most, and listen again", []string{"integration/postgres TestWaitersAreWokenAlthoughTheirListeningSessionEnded", chaotic}, ""},
		{"file", "of a watch that tells nothing: as on redis", []string{"drivers/file TestWaitersWakeWithoutAWatch", "drivers/file TestLostEventsStrandNobody"}, ""},
	}},
	{"the server's clock is set ahead", []cell{
		{"redis", "leases end early, seen at the next renewal", []string{"integration/redis TestAServersClockThatJumpsAheadEndsLeasesEarly"}, ""},
	}},
	{"the server's clock is set back", []cell{
		{"redis", "tokens grow all the same while the key is there", []string{"integration/redis TestTokensGrowAlthoughTheServersClockIsSetBack"}, ""},
		{"file", "tokens grow all the same while the file is there", []string{"drivers/file TestTokensGrowWhenTheClockIsBehind"}, ""},
	}},
	{"the process's clock is set ahead, or back", []cell{
		{"all", "ahead: lost, too early; back: nothing", []string{"locks TestWallClockAheadEndsTheLease", "locks TestWallClockBackChangesNothing", chaotic}, "the clock is set inside the process, where package locks reads it"},
	}},
	{"the machine is suspended, or the process has no time", []cell{
		{"all", "not active when it goes on", []string{"locks TestDeadlineNeedsNoTimer", "locks TestContextsErrLooksAtTheClock", "locks TestSimulationOfSuspends", chaotic}, "a suspend is simulated: Go's monotonic clock can't be stopped here"},
	}},
	{"pg_terminate_backend", []cell{
		{"postgres", "the session's locks are lost, and their holders told at once", []string{"integration/postgres TestASessionThatIsEndedTakesNoLocksOfAnotherAndTellsWhy", "integration/postgres TestWhateverEndsASessionIsToldAndWaitersGoOn", chaotic}, ""},
	}},
	{"an administrator's idle timeout ends sessions", []cell{
		{"postgres", "as by pg_terminate_backend", []string{chaotic}, ""},
	}},
	{"the server is killed, or stopped at once, and starts again", []cell{
		{"redis", "with appendfsync always: nothing is lost", []string{chaotic}, ""},
		{"postgres", "lost, and their holders told; the next token is larger", []string{
			"integration/postgres TestTokensGrowThoughTheServerIsKilledRightAfterAGrant", "integration/postgres TestWhateverEndsASessionIsToldAndWaitersGoOn",
			"integration/postgres TestAServerThatEndsInTheMiddleOfACallLeavesNothingHeld", chaotic,
		}, ""},
	}},
	{"a standby is promoted", []cell{
		{"postgres", "lost; tokens are larger, and those that the old primary still gives are smaller", []string{"integration/postgres TestTokensOfAPromotedStandbyAreAboveThoseOfTheOldPrimary", chaotic}, ""},
	}},
	{"the URL names a standby, or a replica", []cell{
		{"redis", "refused", []string{"integration/redis TestAReplicaIsUnfit"}, ""},
		{"postgres", "refused", []string{"integration/postgres TestTokensOfAPromotedStandbyAreAboveThoseOfTheOldPrimary", "drivers/postgres TestServersThatAreNotFitAreRefusedWithTheReason"}, ""},
	}},
	{"a proxy that shares sessions stands before the server", []cell{
		{"postgres", "refused", []string{"integration/postgres TestAProxyThatSharesSessionsIsUnfit"}, ""},
	}},
	{"the server's lock table is full", []cell{
		{"postgres", "this driver leaves three quarters of it to others; new locks are refused, and none is lost", []string{"integration/postgres TestAProcessHoldsAQuarterOfTheLockTableAtMost", "integration/postgres TestALockTableThatOthersFillLosesNothingThatIsHeld"}, ""},
	}},
	{"two keys have the same number", []cell{
		{"postgres", "they exclude each other, and nothing else happens", []string{"drivers/postgres TestTwoKeysOfOneNumberExcludeEachOther"}, ""},
	}},
	{"a release comes twice, or after the loss", []cell{
		{"all", "ErrNotHeld; another's lease is never touched", []string{
			"locks TestReleaseTwice", "locks TestReleaseOfWhatTheStoreLost", "drivers/memory TestConformance", "drivers/file TestConformance",
			"integration/redis TestConformance", "integration/postgres TestConformance",
		}, ""},
	}},
	{"a panic in Do", []cell{
		{"all", "released, and the panic goes on", []string{"locks TestDoReleasesOnPanic", "integration/locks TestDoReleasesWhenItPanics"}, ""},
	}},
	{"the store is closed while locks are held", []cell{
		{"all", "given back, or lost with their holders told; no goroutine stays", []string{
			"drivers/memory TestCloseEndsOwnLeasesAndWaitsOnly", "drivers/file TestCloseGivesBackAndFreesItsSlot", "integration/redis TestCloseIsBoundedWhereTheServerIsAway",
			"integration/postgres TestConformance", "locks TestShutdown", chaotic,
		}, ""},
	}},
}
