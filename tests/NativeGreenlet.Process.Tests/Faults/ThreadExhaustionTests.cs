using System.Runtime.CompilerServices;
using NativeGreenlet.Interop;
using NativeGreenlet.Tests.Infrastructure;

namespace NativeGreenlet.Tests.Faults;

/// <summary>
/// The system starts no more threads (ulimit -u), on a runtime where records are threads: parked stacks need a thread record for each thread that runs greenlets
/// and for each greenlet inside a catch block. What needs one is refused and left as it was; everything else goes on.
/// </summary>
[Collection(Survival.OneAtATime.Name)]
public class ThreadExhaustionTests
{
    [LinuxFact]
    public void A_thread_that_cannot_become_a_carrier_is_told_why_and_can_later() => SurvivesWithThreadsAsRecords(BecomeCarrier);

    [LinuxFact]
    public void A_switch_out_of_a_catch_block_is_refused_and_nothing_has_moved() => SurvivesWithThreadsAsRecords(SwitchOutOfCatchBlocks);

    [LinuxFact]
    public void A_start_from_a_catch_block_is_refused_and_the_greenlet_is_unstarted() => SurvivesWithThreadsAsRecords(StartInCatchBlock);

    [LinuxFact]
    public void A_stack_trace_that_cannot_be_had_is_refused() => SurvivesWithThreadsAsRecords(TakeStackTraceInCatchBlock);

    [LinuxFact]
    public void Kills_that_cannot_begin_wait_until_they_can() => SurvivesWithThreadsAsRecords(KillInCatchBlock);

    [LinuxFact]
    public void Where_stacks_are_threads_a_start_is_refused() => FaultProcess.Survives(StartThreads, ("NATIVEGREENLET_BACKEND", "threads"));

    /// <summary>What fails at the very first use is tried again at the next one, and not remembered by a type.</summary>
    [LinuxFact]
    public void A_first_use_without_threads_is_refused_and_the_next_one_works()
    {
        FaultProcess.SurvivesOnSegments(UseForTheFirstTime);
        FaultProcess.Survives(UseForTheFirstTime, ("NATIVEGREENLET_BACKEND", "threads"));
    }

    // As on a runtime where a record cannot be made without a thread of the system.
    private static void SurvivesWithThreadsAsRecords(Action body) => FaultProcess.Survives(
        body,
        ("NATIVEGREENLET_BACKEND", "segments"),
        (NativeEngine.PathVariable, BreakableLibrary.Path),
        (BreakableLibrary.FaultVariable, "lending"));

    private static void UseForTheFirstTime()
    {
        WithoutThreads(() =>
        {
            for (int i = 0; i < 3; i++)
            {
                Refused(() => new Greenlet(() => "lost").Switch());
            }
        });
        Check.That(Equals(new Greenlet(() => "value").Switch(), "value"));
        FaultProcess.OnMainAndWorker(() => new Bystanders().VerifyAndEnd());
    }

    private static void BecomeCarrier() => FaultProcess.OnMainAndWorker(() =>
    {
        Bystanders bystanders = new();
        using RecordHog hog = new();
        OnThread.Run(() =>
        {
            int runs = 0;
            Greenlet greenlet = new(value =>
            {
                runs++;
                return value;
            });
            WithoutThreads(() =>
            {
                for (int i = 0; i < 100; i++)
                {
                    Refused(() => greenlet.Switch("lost"));
                    Check.That(greenlet.State == GreenletState.Unstarted && greenlet.OwnerThreadId == 0 && runs == 0);
                    Check.That(Greenlet.Current.IsMain);
                }
            });

            Check.That(Equals(greenlet.Switch("value"), "value") && runs == 1);
            new Bystanders().VerifyAndEnd();
        });
        bystanders.VerifyAndEnd();
    });

    private static void SwitchOutOfCatchBlocks() => FaultProcess.OnMainAndWorker(() =>
    {
        Bystanders bystanders = new();
        Greenlet main = Greenlet.Current;
        Greenlet plain = Parked("plain");
        bool wasRefused = false;
        Greenlet inCatch = new(() =>
        {
            InCatch(exception =>
            {
                Refused(() => main.Switch("lost"));
                Refused(() => plain.Switch("lost"));
                Refused(() => plain.Throw(new FormatException()));
                Check.That(exception.Message == "in flight" && Greenlet.Current.State == GreenletState.Running);
                wasRefused = true;
            });
            return "ended";
        });
        using RecordHog hog = new();
        WithoutThreads(() =>
        {
            Check.That(Equals(inCatch.Switch(), "ended") && wasRefused);
            InCatch(_ =>
            {
                Refused(() => plain.Switch("lost"));
                Check.That(Greenlet.Current == main && main.State == GreenletState.Running && plain.State == GreenletState.Suspended);
            });
            Check.That(Equals(plain.Switch("no catch block, no record"), "no catch block, no record"));
        });

        InCatch(_ => Check.That(Equals(plain.Switch("again"), "again")));
        plain.Dispose();
        bystanders.VerifyAndEnd();
    });

    private static void StartInCatchBlock() => FaultProcess.OnMainAndWorker(() =>
    {
        Bystanders bystanders = new();
        using RecordHog hog = new();
        int runs = 0;
        Greenlet unstarted = new(value =>
        {
            runs++;
            return value;
        });
        long inUse = GreenletDiagnostics.Segments.InUse;
        long live = GreenletDiagnostics.Live;
        WithoutThreads(() => InCatch(_ =>
        {
            for (int i = 0; i < 1_000; i++)
            {
                Refused(() => unstarted.Switch("lost"));
                Check.That(unstarted.State == GreenletState.Unstarted && unstarted.OwnerThreadId == 0 && runs == 0);
            }
        }));

        Check.That(GreenletDiagnostics.Segments.InUse == inUse && GreenletDiagnostics.Live == live);
        InCatch(_ => Check.That(Equals(unstarted.Switch("value"), "value") && runs == 1));
        bystanders.VerifyAndEnd();
    });

    private static void TakeStackTraceInCatchBlock() => FaultProcess.OnMainAndWorker(() =>
    {
        Bystanders bystanders = new();
        Greenlet plain = Parked("plain");
        using RecordHog hog = new();
        WithoutThreads(() => InCatch(_ =>
        {
            Refused(() => plain.GetStackTrace());
            Check.That(plain.State == GreenletState.Suspended && Greenlet.Current.State == GreenletState.Running);
        }));

        InCatch(_ => Check.That(plain.GetStackTrace()!.ToString().Contains(nameof(Parked), StringComparison.Ordinal)));
        Check.That(Equals(plain.Switch("as before"), "as before"));
        plain.Dispose();
        bystanders.VerifyAndEnd();
    });

    // Disposed of by another thread, and no longer reachable.
    private static void KillInCatchBlock() => FaultProcess.OnMainAndWorker(() =>
    {
        Bystanders bystanders = new();
        int[] finallies = new int[2];
        Greenlet disposed = Suspended(finallies, 0);
        Abandon(finallies);
        using RecordHog hog = new();
        OnThread.Run(disposed.Dispose);
        Collector.CollectUntil(() => GreenletDiagnostics.PendingKills == 2, "both wait to be killed");
        WithoutThreads(() => InCatch(_ =>
        {
            for (int i = 0; i < 100; i++)
            {
                Check.That(Greenlet.Current.State == GreenletState.Running); // which would kill
                Check.That(finallies.Sum() == 0 && disposed.State == GreenletState.Suspended);
                Check.That(GreenletDiagnostics.PendingKills == 2);
            }
        }));

        InCatch(_ => Check.That(Greenlet.Current.State == GreenletState.Running));
        Check.That(finallies is [1, 1] && disposed.IsDead && GreenletDiagnostics.PendingKills == 0);
        bystanders.VerifyAndEnd();
    });

    private static void StartThreads() => FaultProcess.OnMainAndWorker(() =>
    {
        Bystanders bystanders = new();
        int runs = 0;
        Greenlet greenlet = new(value =>
        {
            runs++;
            return value;
        });
        List<Greenlet> pooled = [];
        WithoutThreads(() =>
        {
            // Threads whose greenlets have ended serve others before new ones are needed.
            while (TryPark(pooled))
            {
            }

            Refused(() => greenlet.Switch("lost"));
            Check.That(greenlet.State == GreenletState.Unstarted && greenlet.OwnerThreadId == 0 && runs == 0);
        });

        Check.That(Equals(greenlet.Switch("value"), "value") && runs == 1);
        pooled.ForEach(each => each.Dispose());
        bystanders.VerifyAndEnd();

        static bool TryPark(List<Greenlet> parked)
        {
            try
            {
                parked.Add(Parked("pooled"));
                return true;
            }
            catch (GreenletException exception) when (exception.Reason == GreenletError.OutOfStacks)
            {
                return false;
            }
        }
    });

    private static void Refused(Func<object?> action) => FaultProcess.Refused("ulimit -u", action);

    private static void WithoutThreads(Action body)
    {
        Libc.GiveUpExemptionFromThreadLimit();
        using IDisposable limit = Libc.Limit(Libc.Processes, 1);
        body();
    }

    private static void InCatch(Action<Exception> body)
    {
        try
        {
            throw new InvalidTimeZoneException("in flight");
        }
        catch (InvalidTimeZoneException exception)
        {
            body(exception);
        }
    }

    // Suspended; sends back what it is sent.
    private static Greenlet Parked(string name)
    {
        Greenlet here = Greenlet.Current;
        Greenlet greenlet = new(value =>
        {
            while (true)
            {
                value = here.Switch(value);
            }
        })
        {
            Name = name,
        };
        Check.That(Equals(greenlet.Switch(name), name));
        return greenlet;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void Abandon(int[] finallies) => Suspended(finallies, 1);

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static Greenlet Suspended(int[] finallies, int number)
    {
        Greenlet here = Greenlet.Current;
        Greenlet greenlet = new(() =>
        {
            try
            {
                _ = here.Switch();
            }
            finally
            {
                finallies[number]++;
            }
        });
        _ = greenlet.Switch();
        return greenlet;
    }
}
