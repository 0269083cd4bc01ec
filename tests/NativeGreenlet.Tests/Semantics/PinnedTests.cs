using NativeGreenlet.Common;
using NativeGreenlet.Tests.Infrastructure;

namespace NativeGreenlet.Tests.Semantics;

/// <summary>Native code that keeps pointers into the stack for its thread, and has called managed code: the stack cannot be left there.
/// Greenlets that are threads have no such stacks.</summary>
public class PinnedTests
{
    [Fact]
    public void A_greenlet_cannot_be_left_inside_a_type_load_unless_it_is_a_thread() => OnThread.Run(() =>
    {
        Greenlet other = new(() => { });
        GreenletException? refusal = null;
        int number = 0;
        Greenlet greenlet = new(() => number = LoadedType.Use(() =>
        {
            try
            {
                other.Switch();
            }
            catch (GreenletException exception)
            {
                refusal = exception;
            }
        }));
        while (!greenlet.IsDead)
        {
            greenlet.Switch(); // on threads the other one comes back here
        }

        Assert.Equal(42, number);
        Assert.Equal(ThisRun.Backend != Backends.Threads, refusal is { Reason: GreenletError.Pinned });
        Assert.Equal(refusal is null, other.IsDead);
    });
}
