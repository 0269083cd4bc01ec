using System.Runtime.CompilerServices;
using NativeGreenlet.Tests.Infrastructure;

namespace NativeGreenlet.Tests.Semantics;

/// <summary>The end of a process, which needs one of its own: rows 67, 86 and 87.</summary>
public class ProcessTests
{
    [Fact]
    [FeatureRow(86)]
    public void A_process_ends_with_suspended_greenlets_and_does_not_run_their_cleanup()
    {
        InChild.Result child = InChild.Run(EndWithSuspendedGreenlets);

        Assert.Equal(("1000 suspended", 0), (child.Output.Trim(), child.ExitCode));
        Assert.Empty(child.Error);
    }

    [Fact]
    [FeatureRow(86)]
    public void A_greenlet_may_end_the_process()
    {
        InChild.Result child = InChild.Run(EndFromInside);

        Assert.Equal(7, child.ExitCode);
        Assert.Empty(child.Output);
        Assert.Empty(child.Error);
    }

    [Fact]
    [FeatureRow(87)]
    public void Greenlets_work_while_the_process_ends()
    {
        InChild.Result child = InChild.Run(UseWhileEnding);

        Assert.Equal(("1 2 end True", 0), (child.Output.Trim(), child.ExitCode));
        Assert.Empty(child.Error);
    }

    [Fact]
    [FeatureRow(67)]
    public void An_exception_that_nobody_catches_ends_the_process_with_its_original_trace()
    {
        InChild.Result child = InChild.Run(FailInside);

        Assert.NotEqual(0, child.ExitCode);
        Assert.Contains("deep inside", child.Error, StringComparison.Ordinal);
        Assert.Contains(nameof(ThrowDeepInside), child.Error, StringComparison.Ordinal);
    }

    private static void EndWithSuspendedGreenlets()
    {
        Greenlet main = Greenlet.Current;
        List<Greenlet> greenlets = [];
        for (int i = 0; i < 1_000; i++)
        {
            bool inCatch = i % 100 == 0;
            Greenlet greenlet = new(() =>
            {
                try
                {
                    try
                    {
                        if (inCatch)
                        {
                            throw new InvalidTimeZoneException();
                        }

                        _ = main.Switch();
                    }
                    catch (InvalidTimeZoneException)
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

        Console.WriteLine($"{greenlets.Count(greenlet => greenlet.State == GreenletState.Suspended)} suspended");
    }

    private static void EndFromInside()
    {
        Greenlet greenlet = new(() => Environment.Exit(7));
        _ = greenlet.Switch();
        Console.WriteLine("went on");
    }

    private static void UseWhileEnding()
    {
        Greenlet main = Greenlet.Current;
        Greenlet suspended = new(() => main.Switch());
        _ = suspended.Switch();
        AppDomain.CurrentDomain.ProcessExit += (_, _) =>
        {
            Greenlet here = Greenlet.Current; // of whatever thread the runtime raises this on
            Greenlet greenlet = new(() =>
            {
                _ = here.Switch(1);
                _ = here.Switch(2);
                return "end";
            });
            Console.WriteLine($"{greenlet.Switch()} {greenlet.Switch()} {greenlet.Switch()} {suspended.IsActive}");
        };
    }

    private static void FailInside() => new Greenlet(() => new Greenlet(ThrowDeepInside).Switch()).Switch();

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void ThrowDeepInside() => throw new InvalidTimeZoneException("deep inside");
}
