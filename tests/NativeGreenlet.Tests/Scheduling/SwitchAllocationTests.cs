using NativeGreenlet.Common;
using NativeGreenlet.Tests.Infrastructure;

namespace NativeGreenlet.Tests.Scheduling;

/// <summary>A switch between two live greenlets allocates nothing.</summary>
public class SwitchAllocationTests
{
    // On threads each is a hand-over between two, which a busy machine may make last a millisecond.
    private static readonly int s_switches = GreenletRuntime.Backend == GreenletBackend.Threads ? 5_000 : 100_000;

    [UnfrozenFact("a freeze allocates")]
    public void A_switch_allocates_nothing() => OnThread.Run(() =>
    {
        Greenlet main = Greenlet.Current;
        object message = new();
        using Greenlet greenlet = new(value =>
        {
            while (true)
            {
                value = main.Switch(value);
            }
        });

        Assert.Equal(0, Allocation.Of(s_switches / 2, () => Assert.Same(message, greenlet.Switch(message))));
    });

    [UnfrozenFact("a freeze allocates")]
    public void Nor_does_one_between_two_that_are_not_main() => OnThread.Run(() =>
    {
        Greenlet main = Greenlet.Current;
        Greenlet second = null!;
        using Greenlet first = new(() =>
        {
            while (true)
            {
                _ = second.Switch();
            }
        });
        second = new Greenlet(() =>
        {
            while (true)
            {
                _ = first.Switch();
                _ = main.Switch();
            }
        });

        Assert.Equal(0, Allocation.Of(s_switches / 2, () => first.Switch()));
        second.Dispose();
    });

    [UnfrozenFact("a freeze allocates")]
    public void Nor_does_one_with_a_context_on_either_side() => OnThread.Run(() =>
    {
        Greenlet main = Greenlet.Current;
        AsyncLocal<int> local = new() { Value = 1 };
        using Greenlet greenlet = new(() =>
        {
            local.Value = 2;
            while (true)
            {
                _ = main.Switch();
            }
        });

        Assert.Equal(0, Allocation.Of(s_switches / 2, () => greenlet.Switch()));
        Assert.Equal(1, local.Value);
    });

    [UnfrozenFact("a freeze allocates")]
    public void Nor_does_one_that_is_traced() => OnThread.Run(() =>
    {
        Greenlet main = Greenlet.Current;
        int traced = 0;
        using Greenlet greenlet = new(() =>
        {
            while (true)
            {
                _ = main.Switch();
            }
        });
        _ = Greenlet.SetTrace((_, _, _) => traced++);

        Assert.Equal(0, Allocation.Of(s_switches / 2, () => greenlet.Switch()));
        Assert.True(traced >= s_switches);
        _ = Greenlet.SetTrace(null);
    });

    [UnfrozenFact("a freeze allocates")]
    public void Nor_does_one_out_of_a_catch_block() => OnThread.Run(() =>
    {
        Greenlet main = Greenlet.Current;
        using Greenlet greenlet = new(() =>
        {
            try
            {
                throw new InvalidTimeZoneException();
            }
            catch (InvalidTimeZoneException)
            {
                while (true)
                {
                    _ = main.Switch();
                }
            }
        });

        Assert.Equal(0, Allocation.Of(s_switches / 2, () => greenlet.Switch()));
    });
}
