using System.Diagnostics;

namespace NativeGreenlet.Cooperative.Waiting;

/// <summary>
/// Timers in the order in which they are due. A binary heap whose entries know their place: a timer that is no longer
/// needed is taken out, so that many short operations with long timeouts leave nothing behind. Only its hub uses it.
/// </summary>
internal sealed class TimerHeap
{
    private TimerEntry[] _entries = new TimerEntry[16];
    private long _order;

    public int Count { get; private set; }

    /// <summary>When the first is due; <see cref="long.MaxValue"/> if there is none.</summary>
    public long NextDue => Count == 0 ? long.MaxValue : _entries[0].Due;

    /// <summary>Adds an entry. One that is never due is not kept.</summary>
    public void Add(TimerEntry entry, long due)
    {
        if (due == long.MaxValue)
        {
            return;
        }

        Debug.Assert(entry.Index < 0); // a timer is set once at a time
        if (Count == _entries.Length)
        {
            Array.Resize(ref _entries, Count * 2);
        }

        entry.Due = due;
        entry.Order = _order++;
        Up(entry, Count++);
    }

    /// <summary>Takes an entry out, if it is in.</summary>
    public void Remove(TimerEntry entry)
    {
        int index = entry.Index;
        if (index < 0)
        {
            return;
        }

        Debug.Assert(index < Count && _entries[index] == entry);
        entry.Index = -1;
        TimerEntry last = _entries[--Count];
        _entries[Count] = null!;
        if (last != entry)
        {
            Up(last, index);
            Down(last, last.Index);
        }
    }

    /// <summary>Takes out the first entry if it is due.</summary>
    public TimerEntry? TakeDue(long now)
    {
        if (Count == 0 || _entries[0].Due > now)
        {
            return null;
        }

        TimerEntry first = _entries[0];
        Remove(first);
        return first;
    }

    private static bool IsBefore(TimerEntry left, TimerEntry right) =>
        left.Due < right.Due || (left.Due == right.Due && left.Order < right.Order);

    private void Up(TimerEntry entry, int index)
    {
        while (index > 0)
        {
            int parent = (index - 1) / 2;
            if (!IsBefore(entry, _entries[parent]))
            {
                break;
            }

            Put(_entries[parent], index);
            index = parent;
        }

        Put(entry, index);
    }

    private void Down(TimerEntry entry, int index)
    {
        while (true)
        {
            int child = (index * 2) + 1;
            if (child >= Count)
            {
                break;
            }

            if (child + 1 < Count && IsBefore(_entries[child + 1], _entries[child]))
            {
                child++;
            }

            if (!IsBefore(_entries[child], entry))
            {
                break;
            }

            Put(_entries[child], index);
            index = child;
        }

        Put(entry, index);
    }

    private void Put(TimerEntry entry, int index)
    {
        _entries[index] = entry;
        entry.Index = index;
    }
}
