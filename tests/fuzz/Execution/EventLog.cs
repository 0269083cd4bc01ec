using System.Globalization;

namespace NativeGreenlet.Fuzz.Execution;

/// <summary>What happened in a run of a trace, in order. Greenlets and plain threads must agree on it.</summary>
internal sealed class EventLog
{
    private readonly List<Event> _events = [];

    public int Count => _events.Count;

    /// <summary>A number that tells it from others.</summary>
    public ulong Hash => _events.Aggregate(0UL, (hash, each) =>
        Traces.SeedSequence.Mix(hash ^ ((ulong)each.Fiber << 56) ^ ((ulong)each.Mark << 48) ^ ((ulong)each.Operation << 32) ^ (uint)each.Value));

    public void Add(int fiber, Mark mark, int operation, int value) => _events.Add(new Event(fiber, mark, operation, value));

    /// <summary>Where two logs part; null if nowhere.</summary>
    public string? Difference(EventLog other)
    {
        for (int i = 0; i < Math.Max(Count, other.Count); i++)
        {
            string left = Text(i);
            string right = other.Text(i);
            if (left != right)
            {
                return string.Create(CultureInfo.InvariantCulture, $"event {i}: {left}, but {right}");
            }
        }

        return null;
    }

    private string Text(int index) => index < Count ? _events[index].ToString() : "none";

    private readonly record struct Event(int Fiber, Mark Mark, int Operation, int Value)
    {
        public override string ToString() =>
            string.Create(CultureInfo.InvariantCulture, $"(fiber {Fiber}, {Mark}, step {Operation}, {Value})");
    }
}
