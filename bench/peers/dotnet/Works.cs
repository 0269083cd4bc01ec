using System.Diagnostics;

namespace NativeGreenlet.Peer;

/// <summary>What a peer can do, by the names that compare.py uses.</summary>
internal abstract class Works
{
    private readonly Dictionary<string, Func<int, string>> _works = [];

    /// <summary>What runs, if there is more to say than the runtime's version.</summary>
    public virtual string? Version => null;

    /// <summary>Does a work and says what came out: pairs of a name and a figure, or an exclamation mark and why not.</summary>
    public string Answer(string work, int number) =>
        _works.TryGetValue(work, out Func<int, string>? answer) ? answer(number) : "! not comparable";

    /// <summary>Adds a work with an answer of its own.</summary>
    protected void Add(string work, Func<int, string> answer) => _works.Add(work, answer);

    /// <summary>Adds a work of so many operations, to be timed for so many milliseconds.</summary>
    protected void Add(string work, Action<int> operations) =>
        _works.Add(work, milliseconds => $"{work} {Sample(operations, milliseconds)}");

    /// <summary>Adds a work of which is told how many bytes this thread allocates for one operation, once warm.</summary>
    protected void AddAllocated(Action<int> operations) => _works.Add("allocated", count =>
    {
        operations(count);
        long start = GC.GetAllocatedBytesForCurrentThread();
        operations(count);
        return $"allocated {(GC.GetAllocatedBytesForCurrentThread() - start) / (double)count}";
    });

    // Nanoseconds per operation. Doubles the number of operations until they fill the time; the first ones warm up.
    private static double Sample(Action<int> operations, int milliseconds)
    {
        for (int count = 16; ; count *= 2)
        {
            long start = Stopwatch.GetTimestamp();
            operations(count);
            TimeSpan elapsed = Stopwatch.GetElapsedTime(start);
            if (elapsed.TotalMilliseconds >= milliseconds / 2.0)
            {
                return elapsed.TotalNanoseconds / count;
            }
        }
    }
}
