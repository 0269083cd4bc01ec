using System.Runtime.CompilerServices;
using NativeGreenlet.Tests.Infrastructure;

namespace NativeGreenlet.Tests.Faults;

/// <summary>
/// Code of the user that the library, or the runtime in the middle of a switch, calls: trace callbacks, handlers of changed
/// <see cref="AsyncLocal{T}"/> values, handlers of <see cref="Greenlet.UnobservedException"/>, finalizers. They may throw
/// and switch.
/// </summary>
public class CallbackFaultTests
{
    [Fact]
    public void A_tracer_that_throws_at_every_kind_of_switch() => FaultProcess.Survives(ThrowFromTracer);

    [Fact]
    public void A_tracer_that_switches_at_every_switch() => FaultProcess.Survives(SwitchFromTracer);

    [Fact]
    public void A_context_handler_that_switches() => FaultProcess.Survives(SwitchFromContextHandler);

    // What throws there ends any .NET process: the runtime would not know whose exception it is.
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_context_handler_that_throws_ends_the_process_as_everywhere(bool isInGreenlet) => FaultProcess.Crashes(
        isInGreenlet ? ThrowFromContextHandlerAtASwitch : ThrowFromContextHandlerWithoutGreenlets,
        "AsyncLocal<T> notification callback",
        "of the handler");

    [Fact]
    public void A_handler_of_unobserved_exceptions_that_throws_or_switches() => FaultProcess.Survives(MisbehaveInUnobservedHandler);

    [Fact]
    public void Finalizers_that_leave_greenlets_suspended() => FaultProcess.Survives(SuspendInFinalizers);

    [Fact]
    public void A_finalizer_whose_greenlet_throws_ends_the_process_with_a_trace() => FaultProcess.Crashes(
        ThrowInFinalizer,
        "Unhandled exception. System.InvalidTimeZoneException: of the finalizer",
        nameof(Throwing.ThrowDeepInside));

    private static void ThrowFromTracer() => FaultProcess.OnMainAndWorker(() =>
    {
        Bystanders bystanders = new();
        Greenlet main = Greenlet.Current;
        for (int kind = 0; kind < 5; kind++)
        {
            List<string> log = [];
            Greenlet greenlet = new(() =>
            {
                try
                {
                    _ = main.Switch("suspended");
                }
                catch (FormatException exception)
                {
                    log.Add(exception.Message);
                }
                finally
                {
                    log.Add("finally");
                }

                return "ended";
            });
            if (kind > 0)
            {
                _ = greenlet.Switch();
            }

            int calls = 0;
            GreenletTraceCallback tracer = (_, _, _) =>
            {
                calls++;
                throw new FormatException("of the tracer");
            };
            object? result = null;
            switch (kind)
            {
                case 0: // at a first switch: the body never runs
                    _ = Greenlet.SetTrace(tracer);
                    Throws(() => greenlet.Switch());
                    Check.That(log.Count == 0);
                    break;

                case 1: // at a switch: raised where the greenlet waits
                    _ = Greenlet.SetTrace(tracer);
                    result = greenlet.Switch();
                    Check.That(Equals(result, "ended") && log is ["of the tracer", "finally"]);
                    break;

                case 2: // at a throw: in place of what was thrown
                    _ = Greenlet.SetTrace(tracer);
                    result = greenlet.Throw(new InvalidTimeZoneException("replaced"));
                    Check.That(Equals(result, "ended") && log is ["of the tracer", "finally"]);
                    break;

                case 3: // at its end: raised in the parent
                    _ = Greenlet.SetTrace((kind, origin, target) =>
                    {
                        if (target == main)
                        {
                            tracer(kind, origin, target);
                        }
                    });
                    Throws(() => greenlet.Switch());
                    Check.That(log is ["finally"]);
                    break;

                default: // at a kill: in place of the exit, so that the greenlet may even catch it
                    _ = Greenlet.SetTrace(tracer);
                    greenlet.Dispose();
                    Check.That(log is ["of the tracer", "finally"]);
                    break;
            }

            Check.That(calls == 1 && Greenlet.GetTrace() is null && greenlet.IsDead);
            bystanders.Verify();
        }

        bystanders.VerifyAndEnd();

        static void Throws(Action action) => Check.That(Assert.Throws<FormatException>(action).Message == "of the tracer");
    });

    private static void SwitchFromTracer() => FaultProcess.OnMainAndWorker(() =>
    {
        Bystanders bystanders = new();
        Greenlet helper = new(value =>
        {
            while (true)
            {
                value = Greenlet.Current.Parent!.Switch((int)value! + 1);
            }
        });
        _ = helper.Switch(0);
        int depth = 0;
        int helped = 0;
        _ = Greenlet.SetTrace((_, _, target) =>
        {
            if (depth == 0 && target != helper)
            {
                depth++;
                helper.Parent = target;
                Check.That(Equals(helper.Switch(helped), helped + 1));
                helped++;
                if (helped % 10 == 0)
                {
                    CollectorPressure.Compact(1);
                }

                depth--;
            }
        });
        bystanders.Verify();
        _ = Greenlet.SetTrace(null);
        Check.That(helped > 100);
        helper.Parent = Greenlet.Current;
        helper.Dispose();
        bystanders.VerifyAndEnd();
    });

    private static void SwitchFromContextHandler() => FaultProcess.OnMainAndWorker(() =>
    {
        Bystanders bystanders = new();
        Greenlet helper = new(value =>
        {
            while (true)
            {
                value = Greenlet.Current.Parent!.Switch((int)value! + 1);
            }
        });
        _ = helper.Switch(0);
        int helped = 0;
        bool isHelping = false;
        AsyncLocal<string?> local = new(change =>
        {
            if (change.ThreadContextChanged && !isHelping)
            {
                isHelping = true;
                helper.Parent = Greenlet.Current;
                Check.That(Equals(helper.Switch(helped), helped + 1));
                helped++;
                CollectorPressure.Compact(0);
                isHelping = false;
            }
        })
        {
            Value = "main's",
        };
        Greenlet main = Greenlet.Current;
        Greenlet[] greenlets = [.. Enumerable.Range(0, 10).Select(i => new Greenlet(value =>
        {
            local.Value = Holdings.Text(i);
            for (int turn = 0; turn < 20; turn++)
            {
                Check.That(Equals(value, (i * 100) + turn) && local.Value == Holdings.Text(i));
                value = main.Switch(value);
            }

            return value;
        }))];
        for (int turn = 0; turn < 20; turn++)
        {
            for (int i = 0; i < greenlets.Length; i++)
            {
                Check.That(Equals(greenlets[i].Switch((i * 100) + turn), (i * 100) + turn));
                Check.That(local.Value == "main's");
            }
        }

        Array.ForEach(greenlets, greenlet => Check.That(Equals(greenlet.Switch("last"), "last") && greenlet.IsDead));
        Check.That(helped > 100);
        local.Value = null;
        helper.Parent = Greenlet.Current;
        helper.Dispose();
        bystanders.VerifyAndEnd();
    });

    private static void ThrowFromContextHandlerAtASwitch()
    {
        AsyncLocal<string?> local = FailingLocal();
        Greenlet main = Greenlet.Current;
        Greenlet greenlet = new(() =>
        {
            local.Value = "greenlet's";
            _ = main.Switch();
        });
        _ = greenlet.Switch();
        Console.WriteLine("went on");
    }

    private static void ThrowFromContextHandlerWithoutGreenlets()
    {
        AsyncLocal<string?> local = FailingLocal();
        ExecutionContext.Run(ExecutionContext.Capture()!, _ => local.Value = "another", null);
        Console.WriteLine("went on");
    }

    private static AsyncLocal<string?> FailingLocal() => new(change =>
    {
        if (change.ThreadContextChanged)
        {
            throw new FormatException("of the handler");
        }
    });

    private static void MisbehaveInUnobservedHandler() => FaultProcess.OnMainAndWorker(() =>
    {
        Bystanders bystanders = new();
        List<string> heard = [];

        // One victim at each use of the library; what its handler throws comes out there, and the others wait.
        void Throw(object? sender, UnobservedGreenletExceptionEventArgs e)
        {
            heard.Add(e.Exception.Message);
            throw new FormatException($"of the handler for {e.Exception.Message}");
        }

        Greenlet.UnobservedException += Throw;
        Greenlet[] victims = Victims();
        for (int i = 0; i < victims.Length; i++)
        {
            string message = Assert.Throws<FormatException>(() => Greenlet.Current).Message;
            Check.That(message == $"of the handler for cleanup {i}", message);
            Check.That(victims[i].IsDead && GreenletDiagnostics.PendingKills == 2 - i);
        }

        Greenlet.UnobservedException -= Throw;
        Check.That(heard is ["cleanup 0", "cleanup 1", "cleanup 2"]);

        // A handler that uses greenlets makes the library kill the next victim meanwhile.
        void Switch(object? sender, UnobservedGreenletExceptionEventArgs e)
        {
            heard.Add(e.Exception.Message);
            Greenlet here = Greenlet.Current;
            Check.That(Equals(new Greenlet(value => value, here).Switch("from the handler"), "from the handler"));
        }

        heard.Clear();
        Greenlet.UnobservedException += Switch;
        victims = Victims();
        Check.That(Greenlet.Current.State == GreenletState.Running);
        Greenlet.UnobservedException -= Switch;
        Check.That(heard is ["cleanup 0", "cleanup 1", "cleanup 2"]);
        Check.That(Array.TrueForAll(victims, victim => victim.IsDead) && GreenletDiagnostics.PendingKills == 0);
        bystanders.VerifyAndEnd();
    });

    // Suspended, and disposed of by another thread: their cleanup will fail.
    private static Greenlet[] Victims()
    {
        Greenlet main = Greenlet.Current;
        Greenlet[] victims = [.. Enumerable.Range(0, 3).Select(i => new Greenlet(() =>
        {
            try
            {
                _ = main.Switch();
            }
            finally
            {
                Throwing.ThrowDeepInside($"cleanup {i}");
            }
        }))];
        Array.ForEach(victims, victim => victim.Switch());
        OnThread.Run(() => Array.ForEach(victims, victim => victim.Dispose()));
        return victims;
    }

    private static void SuspendInFinalizers()
    {
        Bystanders bystanders = new();
        for (int i = 0; i < 200; i++)
        {
            Drop();
        }

        Collector.CollectUntil(() => SuspendingFinalizer.Count == 200, "all finalizers ran");
        Check.That(SuspendingFinalizer.Greenlets.Count == 200);
        Check.That(SuspendingFinalizer.Greenlets.All(greenlet => greenlet.State == GreenletState.Suspended));
        _ = Expect.Failure(GreenletError.WrongThread, () => SuspendingFinalizer.Greenlets[0].Switch());

        // Their thread is the finalizer's: it switches to them, kills what nobody can reach, and what is disposed of here.
        SuspendingFinalizer.Greenlets[0].Dispose();
        SuspendingFinalizer.Greenlets.RemoveRange(0, 100);
        Drop();
        Collector.CollectUntil(
            () =>
            {
                Drop(); // lets the finalizer thread use the library
                return SuspendingFinalizer.Cleanups >= 100;
            },
            "the finalizer thread killed what was dropped");
        Check.That(SuspendingFinalizer.Greenlets.Take(100).All(greenlet => greenlet.State == GreenletState.Suspended));
        bystanders.VerifyAndEnd();
        Console.WriteLine("done");

        [MethodImpl(MethodImplOptions.NoInlining)]
        static void Drop() => _ = new SuspendingFinalizer();
    }

    private static void ThrowInFinalizer()
    {
        Drop();
        Collector.CollectUntil(() => false, "for ever");

        [MethodImpl(MethodImplOptions.NoInlining)]
        static void Drop() => _ = new FailingFinalizer();
    }

    private sealed class SuspendingFinalizer
    {
        ~SuspendingFinalizer()
        {
            Greenlet greenlet = new(stamp =>
            {
                Holdings holdings = new((int)stamp!, stackalloc int[10]);
                try
                {
                    return Greenlet.Current.Parent!.Switch();
                }
                finally
                {
                    holdings.Verify();
                    Cleanups++;
                }
            });
            Check.That(greenlet.Switch(Count) is null && greenlet.State == GreenletState.Suspended);
            Greenlets.Add(greenlet);
            Count++;
        }

        public static List<Greenlet> Greenlets { get; } = [];

        public static int Count { get; private set; }

        public static int Cleanups { get; private set; }
    }

    private sealed class FailingFinalizer
    {
        ~FailingFinalizer() => new Greenlet(() => Throwing.ThrowDeepInside("of the finalizer")).Switch();
    }
}
