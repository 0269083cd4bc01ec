using System.Diagnostics;
using System.Diagnostics.Metrics;
using NativeGreenlet.Cooperative.Waiting;

namespace NativeGreenlet.Cooperative.Diagnostics;

/// <summary>Measures one hub while somebody listens: how long what can go on waits for its turn, how long tasks run, and how long they
/// wait. Used by the hub's thread.</summary>
internal sealed class HubTiming(string hub)
{
    private readonly KeyValuePair<string, object?> _tag = new(HubMeter.NameTag, hub);
    private readonly Queue<long> _readyAt = new(); // of each that is ready, in their order
    private long _turn = Stopwatch.GetTimestamp(); // when it began
    private long _begun; // the slice
    private long _ended; // the last one

    /// <summary>A turn of the hub begins. What came from outside since the last one came at some time in between, or woke the
    /// hub.</summary>
    public void Begin(int readyCount, long wokeAt)
    {
        NoteReady(readyCount, wokeAt > _ended ? wokeAt : _turn);
        _turn = Stopwatch.GetTimestamp();
    }

    /// <summary>The hub is about to continue something.</summary>
    public void BeginSlice(in ReadyEntry entry, Waiter? waiter)
    {
        _begun = Stopwatch.GetTimestamp();
        if (_readyAt.TryDequeue(out long readyAt))
        {
            Record(HubTimes.Queue, readyAt);
        }

        if (waiter is not null && entry.Version != 0 && waiter.IsStillToBeResumed(entry.Version) && waiter.WaitsFor is not Hub.YieldText)
        {
            Record(HubTimes.Wait, waiter.ParkedAt);
        }
    }

    /// <summary>It has stopped again, at the time that is returned.</summary>
    public long EndSlice(Waiter? waiter, int readyCount)
    {
        NoteReady(readyCount, _begun);
        _ended = Stopwatch.GetTimestamp();
        Record(HubTimes.Run, _begun, _ended);
        waiter?.ParkedAt = _ended;
        return _ended;
    }

    // What the last slice has made ready: at its beginning, as far as it is known.
    private void NoteReady(int readyCount, long since)
    {
        while (_readyAt.Count < readyCount)
        {
            _readyAt.Enqueue(since);
        }

        while (_readyAt.Count > readyCount)
        {
            _readyAt.Dequeue();
        }
    }

    private void Record(Func<HubTimes, Histogram<double>> which, long since) => Record(which, since, _begun);

    private void Record(Func<HubTimes, Histogram<double>> which, long since, long now)
    {
        if (HubMeter.Times is { } times)
        {
            which(times).Record(Stopwatch.GetElapsedTime(since, now).TotalSeconds, _tag);
        }
    }
}
