using System.Runtime.CompilerServices;
using NativeGreenlet.Tests.Infrastructure;

namespace NativeGreenlet.Tests.Faults;

/// <summary>Exceptions that the runtime throws at code wherever it is: no memory, an interrupt, a failed static constructor,
/// a task that nobody observes. Inside a greenlet they are what they are on a thread.</summary>
public class ThrownFaultTests
{
    private static int s_constructions;

    [Fact]
    public void OutOfMemory_inside_a_greenlet_is_an_exception_like_others() => FaultProcess.Survives(
        RunOutOfMemory,
        ("DOTNET_GCHeapHardLimit", "0x4000000")); // 64 MiB

    [Fact]
    public void An_interrupt_reaches_the_greenlet_that_waits() => FaultProcess.Survives(InterruptWaiting);

    [Fact]
    public void An_interrupt_does_not_disturb_switches() => FaultProcess.Survives(InterruptSwitching);

    [Fact]
    public void A_static_constructor_that_fails_in_a_greenlet_has_failed_for_all() => FaultProcess.Survives(FailStaticConstructor);

    [Fact]
    public void A_static_constructor_whose_greenlet_is_killed_has_failed_for_all() => FaultProcess.Survives(KillInStaticConstructor);

    [Fact]
    public void A_failed_task_of_a_greenlet_that_nobody_observes_is_reported() => FaultProcess.Survives(LeaveTaskUnobserved);

    private static void RunOutOfMemory() => FaultProcess.OnMainAndWorker(() =>
    {
        Bystanders bystanders = new();
        Greenlet main = Greenlet.Current;
        for (int i = 0; i < 5; i++)
        {
            Greenlet catching = new(() =>
            {
                Holdings holdings = new(11, stackalloc int[10]);
                List<byte[]> hoard = [];
                try
                {
                    while (true)
                    {
                        hoard.Add(new byte[100_000]);
                        _ = main.Switch();
                    }
                }
                catch (OutOfMemoryException)
                {
                    hoard.Clear();
                    holdings.Verify();
                    return main.Switch("caught");
                }
            });
            object? result;
            do
            {
                result = catching.Switch();
            }
            while (result is null);
            Check.That(Equals(result, "caught"));
            bystanders.Verify();
            Check.That(Equals(catching.Switch("ends"), "ends") && catching.IsDead);

            Greenlet failing = new(() => GC.KeepAlive(new byte[1 << 30]));
            _ = Assert.Throws<OutOfMemoryException>(() => failing.Switch());
            Check.That(failing.IsDead);
        }

        bystanders.VerifyAndEnd();
    });

    // The one that waits is interrupted, not the one that waits for it to come back.
    private static void InterruptWaiting() => FaultProcess.OnMainAndWorker(() =>
    {
        Bystanders bystanders = new();
        Greenlet main = Greenlet.Current;
        for (int i = 0; i < 20; i++)
        {
            int number = i;
            string? caught = null;
            using ManualResetEventSlim never = new();
            Greenlet waiting = new(() =>
            {
                Holdings holdings = new(number, stackalloc int[10]);
                _ = main.Switch("ready");
                try
                {
                    Thread here = Thread.CurrentThread;
                    ThreadPool.QueueUserWorkItem(_ => here.Interrupt());
                    never.Wait();
                }
                catch (ThreadInterruptedException)
                {
                    holdings.Verify();
                    caught = "interrupted";
                }

                _ = main.Switch(caught);
                holdings.Verify();
            });
            Check.That(Equals(waiting.Switch(), "ready"));
            Check.That(Equals(waiting.Switch(), "interrupted"));
            bystanders.Verify();
            _ = waiting.Switch();
            Check.That(waiting.IsDead);
        }

        bystanders.VerifyAndEnd();
    });

    // The thread that runs the greenlets is interrupted while they switch: the interrupt waits until the thread does.
    private static void InterruptSwitching() => FaultProcess.OnMainAndWorker(() =>
    {
        Bystanders bystanders = new();
        Greenlet main = Greenlet.Current;
        Thread thread = Thread.CurrentThread;
        bool isInside = false;
        Greenlet greenlet = new(() =>
        {
            for (int i = 0; i < 500; i++)
            {
                Check.That(!isInside);
                isInside = true;
                if (i % 10 == 0)
                {
                    thread.Interrupt();
                    Thread.SpinWait(200_000);
                }

                Check.That(isInside && Greenlet.Current != main);
                isInside = false;
                _ = main.Switch();
            }
        });
        while (!greenlet.IsDead)
        {
            _ = greenlet.Switch();
            Check.That(!isInside && Greenlet.Current == main);
        }

        _ = Assert.Throws<ThreadInterruptedException>(() => Thread.Sleep(TimeSpan.FromSeconds(60))); // not lost
        Thread.Sleep(0);
        bystanders.VerifyAndEnd();
    });

    private static void FailStaticConstructor()
    {
        Bystanders bystanders = new();
        for (int i = 0; i < 2; i++)
        {
            TypeInitializationException exception = Assert.Throws<TypeInitializationException>(() => new Greenlet(() => Failing.Touch()).Switch());
            Check.That(exception.InnerException is InvalidTimeZoneException { Message: "of the static constructor" });
            bystanders.Verify();
        }

        _ = Assert.Throws<TypeInitializationException>(Failing.Touch);
        OnThread.Run(() => Assert.Throws<TypeInitializationException>(() => new Greenlet(() => Failing.Touch()).Switch()));
        bystanders.VerifyAndEnd();
        Check.That(s_constructions == 1);
        Console.WriteLine("done");
    }

    private static void KillInStaticConstructor()
    {
        Bystanders bystanders = new();
        Greenlet greenlet = new(() => Suspending.Touch());
        Check.That(Equals(greenlet.Switch(), "suspended in the static constructor"));
        bystanders.Verify();
        TypeInitializationException exception = Assert.Throws<TypeInitializationException>(greenlet.Dispose);
        Check.That(exception.InnerException is GreenletExit && greenlet.IsDead);
        _ = Assert.Throws<TypeInitializationException>(Suspending.Touch);
        OnThread.Run(() => Assert.Throws<TypeInitializationException>(() => new Greenlet(() => Suspending.Touch()).Switch()));
        bystanders.VerifyAndEnd();
        Console.WriteLine("done");
    }

    private static void LeaveTaskUnobserved()
    {
        Bystanders bystanders = new();
        string? reported = null;
        string? usedThere = null;
        TaskScheduler.UnobservedTaskException += (_, e) =>
        {
            e.SetObserved();
            usedThere = (string?)new Greenlet(value => value).Switch("used"); // on the finalizer thread
            reported = e.Exception.InnerException!.Message;
        };
        Leave();
        Collector.CollectUntil(() => reported is not null, "the task was reported");
        Check.That(reported == "of the task" && usedThere == "used");
        bystanders.VerifyAndEnd();
        Console.WriteLine("done");

        [MethodImpl(MethodImplOptions.NoInlining)]
        static void Leave() => _ = new Greenlet(() =>
        {
            Task task = Task.Run(() => Throwing.ThrowDeepInside("of the task"));
            ((IAsyncResult)task).AsyncWaitHandle.WaitOne();
        }).Switch();
    }

    private static class Failing
    {
        static Failing()
        {
            s_constructions++;
            throw new InvalidTimeZoneException("of the static constructor");
        }

        public static void Touch()
        {
        }
    }

    private static class Suspending
    {
        static Suspending() => Greenlet.Current.Parent!.Switch("suspended in the static constructor");

        public static void Touch()
        {
        }
    }
}
