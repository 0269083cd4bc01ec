using System.Runtime.InteropServices;

namespace NativeGreenlet.Scheduling;

/// <summary>The greenlets of one carrier that have begun and not ended, the youngest first. Used by its thread.</summary>
internal sealed class ActiveGreenlets
{
    private const int FewHandles = 8;

    // No Stack: that is in an assembly of its own, which the first greenlet of a program would wait for.
    private GCHandle[] _spareHandles = new GCHandle[FewHandles];
    private int _spareCount;
    private GreenletCore? _first;

    /// <summary>How many there are.</summary>
    public long Count { get; private set; }

    /// <summary>How many have been added so far.</summary>
    public long StartCount { get; private set; }

    /// <summary>The one that started last; the others follow by <see cref="GreenletCore.NextActive"/>.</summary>
    public GreenletCore? Youngest => _first;

    /// <summary>Adds one that starts, and gives it its weak link to the public object.</summary>
    public void Add(GreenletCore core, Greenlet greenlet)
    {
        // Weak handles are dear to allocate and cheap to point elsewhere.
        GCHandle handle;
        if (_spareCount > 0)
        {
            handle = _spareHandles[--_spareCount];
            handle.Target = greenlet;
        }
        else
        {
            handle = GCHandle.Alloc(greenlet, GCHandleType.WeakTrackResurrection);
        }

        core.PublicObject = handle;
        core.StartNumber = ++StartCount;
        core.NextActive = _first;
        if (_first is not null)
        {
            _first.PreviousActive = core;
        }

        _first = core;
        Count++;
    }

    /// <summary>Removes one that ends.</summary>
    public void Remove(GreenletCore core)
    {
        GCHandle handle = core.PublicObject;
        handle.Target = null;
        core.PublicObject = default;
        Keep(handle);
        Count--;
        if (core.PreviousActive is { } previous)
        {
            previous.NextActive = core.NextActive;
        }
        else
        {
            _first = core.NextActive;
        }

        if (core.NextActive is { } next)
        {
            next.PreviousActive = core.PreviousActive;
        }

        core.PreviousActive = null;
        core.NextActive = null;
    }

    /// <summary>Removes all, and gives back what it holds.</summary>
    public List<GreenletCore> Clear()
    {
        List<GreenletCore> removed = [];
        while (_first is { } core)
        {
            removed.Add(core);
            Remove(core);
        }

        while (_spareCount > 0)
        {
            _spareHandles[--_spareCount].Free();
        }

        return removed;
    }

    /// <summary>The one that started last before a start and after another; null if there is none.</summary>
    public GreenletCore? YoungestBetween(long above, long below)
    {
        GreenletCore? core = _first;
        while (core is not null && core.StartNumber >= below)
        {
            core = core.NextActive;
        }

        return core is not null && core.StartNumber > above ? core : null;
    }

    private void Keep(GCHandle handle)
    {
        if (_spareCount == _spareHandles.Length)
        {
            GCHandle[] more = new GCHandle[_spareCount * 2];
            Array.Copy(_spareHandles, more, _spareCount);
            _spareHandles = more;
        }

        _spareHandles[_spareCount++] = handle;
    }
}
