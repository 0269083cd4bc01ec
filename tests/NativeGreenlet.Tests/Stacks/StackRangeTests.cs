using NativeGreenlet.Stacks;
using NativeGreenlet.Tests.Infrastructure;

namespace NativeGreenlet.Tests.Stacks;

/// <summary>By its address alone, code on a stack outside of the range is known to be in no greenlet.</summary>
public class StackRangeTests
{
    [Fact]
    public void Every_greenlet_is_in_the_range_whatever_the_size_of_its_stack()
    {
        foreach (int size in new[] { 0, 256 << 10, 2 << 20, 8 << 20 })
        {
            Greenlet greenlet = new(_ => StackRange.MayHoldCaller, new GreenletOptions { StackSize = size });
            Assert.Equal(true, greenlet.Switch());
        }
    }

    [Fact]
    public void A_greenlet_inside_a_greenlet_is_in_the_range() =>
        Assert.Equal(true, new Greenlet(_ => new Greenlet(_ => StackRange.MayHoldCaller).Switch()).Switch());

    // In a process of its own: the range goes from the first region to the last, and with stacks of several sizes, threads may lie between.
    [Fact]
    public void A_thread_outside_of_greenlets_is_not_where_they_have_one_region()
    {
        InChild.Result result = InChild.Run(RequireOutside);
        Assert.True(result.ExitCode == 0, result.Error);
    }

    // Where greenlets are threads or slices, any stack may be that of one. So it is with fibers, whose stacks lie anywhere.
    private static void RequireOutside()
    {
        _ = new Greenlet(_ => null).Switch();
        bool isExpected = GreenletRuntime.Backend != GreenletBackend.Segments || OperatingSystem.IsWindows();
        bool? isInRange = null;
        Thread thread = new(() => isInRange = StackRange.MayHoldCaller);
        thread.Start();
        thread.Join();
        Assert.Equal(isExpected, isInRange);
        Assert.Equal(isExpected, StackRange.MayHoldCaller);
    }
}
