using System.Diagnostics;
using System.Runtime.InteropServices;
using NativeGreenlet.Tests.Infrastructure;

namespace NativeGreenlet.Tests.Faults;

/// <summary>Signals that come while a thread is on a greenlet's stack or switches between stacks, and child
/// processes.</summary>
[Collection(Survival.OneAtATime.Name)]
public class SignalTests
{
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(3);

    [LinuxFact]
    public void Handlers_of_signals_run_while_greenlets_switch_and_may_use_greenlets() => FaultProcess.Survives(HandleSignals);

    [LinuxFact]
    public void Ctrl_C_that_is_cancelled_leaves_greenlets_alone() => FaultProcess.Survives(CancelKeyPress);

    [LinuxFact]
    public void Ctrl_C_that_nobody_handles_ends_the_process()
    {
        InChild.Result child = InChild.Run(DieOfInterrupt);

        Assert.True(child.ExitCode == 128 + Libc.Interrupt && child.Output.Trim() == "waiting", FaultProcess.Describe(child));
    }

    // .NET 10 has no handler of its own for it: a program's does what it likes, here it exits.
    [LinuxFact]
    public void A_request_to_terminate_while_a_greenlet_waits_runs_exit_handlers_that_use_greenlets()
    {
        InChild.Result child = InChild.Run(DieOfTermination);

        Assert.True(child.ExitCode == 4 && child.Output.Trim() == "waiting\nProcessExit: used", FaultProcess.Describe(child));
    }

    [LinuxFact]
    public void A_process_that_is_stopped_and_continued_goes_on() => FaultProcess.Survives(StopAndContinue);

    // As a profiler's: they interrupt any instruction, those of the switch among them, on whatever stack is current. Without
    // faults of the hardware: plain .NET does not survive those under such a bombardment, greenlets or not.
    [LinuxFact]
    public void Signals_at_a_high_rate_while_switching_and_throwing() => FaultProcess.Survives(Bombard);

    [Fact]
    public void Processes_started_inside_greenlets() => FaultProcess.Survives(StartProcesses);

    private static void HandleSignals() => FaultProcess.OnMainAndWorker(() =>
    {
        Bystanders bystanders = new();
        int handled = 0;
        void Handle(PosixSignalContext context)
        {
            context.Cancel = true;
            new Bystanders(4).VerifyAndEnd(); // of the thread that runs handlers
            Interlocked.Increment(ref handled);
        }

        using PosixSignalRegistration interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Handle);
        using PosixSignalRegistration terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Handle);
        using PosixSignalRegistration hangUp = PosixSignalRegistration.Create(PosixSignal.SIGHUP, Handle);
        Greenlet main = Greenlet.Current;
        Greenlet sender = new(() =>
        {
            for (int sent = 0; sent < 10; sent++)
            {
                Libc.Send(sent % 2 == 0 ? Libc.Interrupt : Libc.Terminate);
                while (Volatile.Read(ref handled) <= sent)
                {
                    _ = main.Switch();
                }
            }
        });
        while (!sender.IsDead)
        {
            _ = sender.Switch();
            bystanders.VerifySuspended();
        }

        Check.That(handled == 10);
        bystanders.VerifyAndEnd();
    });

    private static void CancelKeyPress()
    {
        int pressed = 0;
        Console.CancelKeyPress += (_, e) =>
        {
            e.Cancel = true;
            Interlocked.Increment(ref pressed);
        };
        FaultProcess.OnMainAndWorker(() =>
        {
            Bystanders bystanders = new();
            int before = pressed;
            _ = new Greenlet(() =>
            {
                Libc.Send(Libc.Interrupt);
                Check.That(SpinWait.SpinUntil(() => Volatile.Read(ref pressed) > before, s_patience));
            }).Switch();
            bystanders.VerifyAndEnd();
        });
    }

    private static void DieOfInterrupt()
    {
        Bystanders bystanders = new();
        bystanders.Verify();
        _ = new Greenlet(() =>
        {
            Console.WriteLine("waiting");
            Libc.Send(Libc.Interrupt);
            Thread.Sleep(s_patience);
            Console.WriteLine("went on");
        }).Switch();
    }

    private static void DieOfTermination()
    {
        AppDomain.CurrentDomain.ProcessExit += (_, _) =>
        {
            new Bystanders(4).VerifyAndEnd();
            Console.WriteLine("ProcessExit: used");
        };
        using PosixSignalRegistration terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, context =>
        {
            context.Cancel = true;
            Environment.Exit(4);
        });
        Bystanders bystanders = new();
        _ = new Greenlet(() =>
        {
            Console.WriteLine("waiting");
            Libc.Send(Libc.Terminate);
            Thread.Sleep(s_patience);
            Console.WriteLine("went on");
        }).Switch();
        bystanders.Verify();
    }

    private static void StopAndContinue() => FaultProcess.OnMainAndWorker(() =>
    {
        Bystanders bystanders = new();
        for (int i = 0; i < 3; i++)
        {
            _ = new Greenlet(() =>
            {
                using Process waker = Process.Start("/bin/sh", ["-c", $"sleep 0.2; kill -CONT {Environment.ProcessId}"]);
                Libc.Send(Libc.Stop);
                waker.WaitForExit();
                Check.That(waker.ExitCode == 0);
            }).Switch();
            bystanders.Verify();
        }

        bystanders.VerifyAndEnd();
    });

    private static void Bombard()
    {
        Libc.HandleByDoingNothing(Libc.Profile);
        FaultProcess.OnMainAndWorker(() =>
        {
            Bystanders bystanders = new();
            int thread = Libc.gettid();
            bool isStopping = false;
            long sent = 0;
            Thread bombardment = new(() =>
            {
                while (!Volatile.Read(ref isStopping))
                {
                    Libc.Send(Libc.Profile, thread);
                    Volatile.Write(ref sent, sent + 1);
                    Thread.SpinWait((int)(sent % 97));
                }
            });
            bombardment.Start();
            using (CollectorPressure pressure = new(1))
            {
                Greenlet main = Greenlet.Current;
                Greenlet throwing = new(() =>
                {
                    Holdings holdings = new(5, stackalloc int[10]);
                    while (true)
                    {
                        _ = Assert.Throws<InvalidTimeZoneException>(() => Throwing.ThrowDeepInside("under fire"));
                        holdings.Verify();
                        _ = main.Switch();
                        holdings.Verify();
                    }
                });
                Stopwatch watch = Stopwatch.StartNew();
                while (watch.Elapsed < TimeSpan.FromSeconds(3) || Volatile.Read(ref sent) < 1_000)
                {
                    for (int i = 0; i < 100; i++)
                    {
                        _ = throwing.Switch();
                    }

                    bystanders.VerifySuspended();
                }

                throwing.Dispose();
            }

            Volatile.Write(ref isStopping, true);
            bombardment.Join();
            bystanders.VerifyAndEnd();
        });
    }

    private static void StartProcesses() => FaultProcess.OnMainAndWorker(() =>
    {
        Bystanders bystanders = new();
        Greenlet main = Greenlet.Current;
        Greenlet[] starters = [.. Enumerable.Range(0, 5).Select(i => new Greenlet(() =>
        {
            Holdings holdings = new(i, stackalloc int[10]);
            string text = $"text {i}";
            using Process process = StartEcho(text);
            _ = main.Switch(); // while the child runs
            holdings.Verify();
            Check.That(process.StandardOutput.ReadToEnd().Trim() == text);
            process.WaitForExit();
            return process.ExitCode;
        }))];
        Array.ForEach(starters, starter => starter.Switch());
        bystanders.Verify();
        Array.ForEach(starters, starter => Check.That(Equals(starter.Switch(), 0) && starter.IsDead));
        bystanders.VerifyAndEnd();

        static Process StartEcho(string text) => Process.Start(
            OperatingSystem.IsWindows()
                ? new ProcessStartInfo("cmd.exe", ["/c", "echo", text]) { RedirectStandardOutput = true }
                : new ProcessStartInfo("/bin/sh", ["-c", $"echo {text}"]) { RedirectStandardOutput = true })!;
    });
}
