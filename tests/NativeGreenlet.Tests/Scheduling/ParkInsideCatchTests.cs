using NativeGreenlet.Tests.Infrastructure;

namespace NativeGreenlet.Tests.Scheduling;

/// <summary>Every collection walks the stack of a greenlet that is parked inside a <c>catch</c> block: each frame on it costs time.</summary>
public class ParkInsideCatchTests
{
    // A collection that comes at that moment makes a switch take another way.
    private const int Greenlets = 200;
    private const int Most = 180;

    [FactOn(Backends.Segments | Backends.Slices, Because = "Limits of stacks")]
    public void A_park_whose_record_has_to_be_made_first_takes_no_more_stack_than_the_next() => OnThread.Run(() =>
    {
        Greenlet main = Greenlet.Current;
        Greenlet[] greenlets = [.. Enumerable.Range(0, Greenlets).Select(_ => new Greenlet(() => ParkTwice(main)))];
        long[] first = [.. greenlets.Select(Park)];
        long[] next = [.. greenlets.Select(Park)];
        Array.ForEach(greenlets, greenlet => greenlet.Switch());

        Assert.All(greenlets, greenlet => Assert.True(greenlet.IsDead));
        Assert.InRange(first.Zip(next).Count(used => used.First <= used.Second), Most, Greenlets);
    });

    private static long Park(Greenlet greenlet)
    {
        _ = greenlet.Switch();
        return greenlet.StackBytesUsed;
    }

    private static void ParkTwice(Greenlet main)
    {
        try
        {
            throw new InvalidTimeZoneException();
        }
        catch (InvalidTimeZoneException)
        {
            for (int i = 0; i < 2; i++)
            {
                _ = main.Switch();
            }
        }
    }
}
