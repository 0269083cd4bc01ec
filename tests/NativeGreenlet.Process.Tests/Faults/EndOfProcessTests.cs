using System.Runtime.CompilerServices;
using NativeGreenlet.Tests.Infrastructure;

namespace NativeGreenlet.Tests.Faults;

/// <summary>Ends of the process that come from inside a greenlet, besides those of <c>ProcessTests</c>: they end it with the
/// code and the report that they would end it with on a plain thread.</summary>
public class EndOfProcessTests
{
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(5);

    [Fact]
    public void FailFast_inside_a_greenlet_reports_and_ends() => FaultProcess.Crashes(
        FailFastInside,
        "Process terminated.",
        "the last words",
        "System.InvalidTimeZoneException: the cause",
        nameof(FailFastDeepInside));

    [Fact]
    public void Exit_inside_a_greenlet_with_thousands_suspended_on_several_threads()
    {
        InChild.Result child = InChild.Run(ExitAmongThousands);

        Assert.True(child.ExitCode == 3 && child.Output.Trim() == "ProcessExit: 1 2 end" && child.Error.Length == 0, FaultProcess.Describe(child));
        Assert.True(child.Elapsed < s_patience, FaultProcess.Describe(child));
    }

    // Word for word what the runtime prints for a plain thread, but for the frames.
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void An_exception_that_nobody_catches_in_the_first_greenlet_is_reported_as_everywhere(bool isOnMain)
    {
        InChild.Result plain = FaultProcess.Crashes(isOnMain ? FailOnMain : FailOnThread);
        InChild.Result greenlet = FaultProcess.Crashes(isOnMain ? FailInGreenletOfMain : FailInGreenletOfThread);

        string[] expected = [.. plain.Error.Trim().Split('\n').Take(2)];
        Assert.Equal("Unhandled exception. System.InvalidTimeZoneException: nobody catches this", expected[0]);
        Assert.Contains(nameof(Throwing.ThrowDeepInside), expected[1], StringComparison.Ordinal);
        Assert.Equal(expected, greenlet.Error.Trim().Split('\n').Take(2));
        Assert.Equal(plain.ExitCode, greenlet.ExitCode);
    }

    [Fact]
    public void Handlers_of_unhandled_exceptions_see_one_of_a_greenlet() => FaultProcess.Crashes(
        FailWithHandler,
        "handler: nobody catches this, terminating True, in main",
        "Unhandled exception. System.InvalidTimeZoneException: nobody catches this");

    [Fact]
    public void Infinite_recursion_on_a_small_stack_of_a_worker_is_reported() => FaultProcess.Crashes(
        OverflowOnWorker,
        "Stack overflow.",
        nameof(RecurseForEver));

    private static void FailFastInside()
    {
        Bystanders bystanders = new();
        bystanders.Verify();
        _ = new Greenlet(() => new Greenlet(FailFastDeepInside).Switch()).Switch();
        Console.WriteLine("went on");
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void FailFastDeepInside() => Environment.FailFast("the last words", new InvalidTimeZoneException("the cause"));

    private static void ExitAmongThousands()
    {
        const int Threads = 4;
        bool isOnSegments = GreenletRuntime.Backend == GreenletBackend.Segments;
        int count = isOnSegments ? 1_000 : 100;
        AppDomain.CurrentDomain.ProcessExit += (_, _) =>
        {
            Greenlet here = Greenlet.Current;
            Greenlet greenlet = new(() =>
            {
                _ = here.Switch(1);
                _ = here.Switch(2);
                return "end";
            });
            Console.WriteLine($"ProcessExit: {greenlet.Switch()} {greenlet.Switch()} {greenlet.Switch()}");
        };
        using CountdownEvent parked = new(Threads);
        Bystanders[] all = new Bystanders[Threads];
        for (int i = 0; i < Threads; i++)
        {
            int number = i;
            new Thread(() =>
            {
                all[number] = new Bystanders(count / 10); // some of them in catch blocks
                List<Greenlet> greenlets = Suspend(count);
                parked.Signal();
                while (true)
                {
                    all[number].VerifySuspended(); // others go on switching and collecting all the while
                    greenlets.ForEach(greenlet => greenlet.Switch());
                }
            }).Start();
        }

        Check.That(parked.Wait(s_patience));
        _ = new Greenlet(() => Environment.Exit(3)).Switch();
        Console.WriteLine("went on");
    }

    private static List<Greenlet> Suspend(int count)
    {
        Greenlet main = Greenlet.Current;
        List<Greenlet> greenlets = [];
        for (int i = 0; i < count; i++)
        {
            Greenlet greenlet = new(() =>
            {
                try
                {
                    while (true)
                    {
                        _ = main.Switch();
                    }
                }
                finally
                {
                    Console.WriteLine("cleanup ran");
                }
            });
            _ = greenlet.Switch();
            greenlets.Add(greenlet);
        }

        return greenlets;
    }

    private static void FailOnMain() => Throwing.ThrowDeepInside("nobody catches this");

    private static void FailInGreenletOfMain() => new Greenlet(() => Throwing.ThrowDeepInside("nobody catches this")).Switch();

    private static void FailOnThread() => RunThread(FailOnMain);

    private static void FailInGreenletOfThread() => RunThread(FailInGreenletOfMain);

    private static void FailWithHandler()
    {
        AppDomain.CurrentDomain.UnhandledException += (_, e) => Console.Error.WriteLine(
            $"handler: {((Exception)e.ExceptionObject).Message}, terminating {e.IsTerminating}, in {Greenlet.Current.Name}");
        FailInGreenletOfMain();
    }

    private static void OverflowOnWorker() => RunThread(() =>
    {
        Bystanders bystanders = new();
        bystanders.Verify();
        _ = new Greenlet(_ => RecurseForEver(1), new GreenletOptions { StackSize = 1 }).Switch();
        Console.WriteLine("CORRUPT: went on");
    });

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static object RecurseForEver(int level) => level == int.MaxValue ? level : (int)RecurseForEver(level + 1) + 1;

    private static void RunThread(ThreadStart body)
    {
        Thread thread = new(body);
        thread.Start();
        thread.Join();
    }
}
