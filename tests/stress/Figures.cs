namespace NativeGreenlet.Stress;

/// <summary>What one thread has done so far. Written by that thread only.</summary>
internal sealed class Figures
{
    private static readonly Lock s_lock = new();
    private static readonly List<Figures> s_all = [];

    /// <summary>Times that a body went on after a pause, with its contents compared.</summary>
    public long Resumes;

    /// <summary>Exceptions thrown on purpose.</summary>
    public long Exceptions;

    /// <summary>Switches that were refused because the stack cannot be left.</summary>
    public long Refusals;

    /// <summary>Crowds that ran to their end.</summary>
    public long Rounds;

    private Figures()
    {
    }

    /// <summary>A new set, which counts towards the totals from now on.</summary>
    public static Figures Add()
    {
        Figures figures = new();
        lock (s_lock)
        {
            s_all.Add(figures);
        }

        return figures;
    }

    public static (long Resumes, long Exceptions, long Refusals, long Rounds) Total()
    {
        lock (s_lock)
        {
            return (s_all.Sum(f => Volatile.Read(ref f.Resumes)), s_all.Sum(f => Volatile.Read(ref f.Exceptions)), s_all.Sum(f => Volatile.Read(ref f.Refusals)), s_all.Sum(f => Volatile.Read(ref f.Rounds)));
        }
    }
}
