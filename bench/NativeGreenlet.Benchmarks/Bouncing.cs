namespace NativeGreenlet.Benchmarks;

/// <summary>A greenlet that switches back to the one which made it, again and again.</summary>
internal static class Bouncing
{
    /// <summary>Makes one and starts it.</summary>
    /// <param name="depth">How many calls deep it switches.</param>
    public static Greenlet Start(int depth = 0)
    {
        Greenlet maker = Greenlet.Current;
        Greenlet greenlet = new(() => Loop(maker, depth));
        greenlet.Switch();
        return greenlet;
    }

    private static void Loop(Greenlet other, int depth)
    {
        if (depth > 0)
        {
            Loop(other, depth - 1);
            GC.KeepAlive(other); // no tail call
            return;
        }

        while (true)
        {
            other.Switch();
        }
    }
}
