using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using NativeGreenlet.Interop;

namespace NativeGreenlet.Runtime;

/// <summary>
/// The words of a thread that <c>Monitor.Wait</c> of a runtime sets where that is native code (.NET 10): the list of its waits
/// (<c>m_WaitEventLink.m_Next</c>) and of what it waits for, for debuggers (<c>m_DebugBlockingInfo</c>). Entries of both lie on the
/// stack. Who parks inside such a wait takes both away first, and puts them back before the wait goes on.
/// </summary>
/// <remarks>
/// <para>The first list gets an entry of ours as its first, which belongs to no monitor and stays. So the waits of each stack are what
/// comes behind it, and the event that the thread has itself, which one stack's wait would take from another's, is used by none.</para>
/// <para>An entry names its thread, and a wait whose time is up takes the first entry of its thread out of the queue of the
/// monitor: another stack's, if several wait for the same one. So an entry that is away names none.</para>
/// <para>Where the words are is found by a wait on a thread of its own, in which exactly these two must appear, and the first
/// must lead to an entry that names the thread. Where <c>Monitor.Wait</c> is managed code (.NET 11), there is no such word.</para>
/// </remarks>
internal sealed unsafe class MonitorWaits : IDisposable
{
    private const uint ThreadBytes = 1024;
    private const int LinkBytes = 64;
    private const int LinkThread = 2; // words of an entry: the monitor, the event, the thread, the next, one of a queue, a count
    private const int LinkNext = 3;
    private const int LinkCount = 5;
    private const int MostProtected = 6; // references that are pinned instead of being protected

    private static readonly Lazy<Findings> s_findings = new(Find, LazyThreadSafetyMode.PublicationOnly); // no thread for it: asked again

    private readonly nint _thread;
    private readonly nint* _blocking;
    private readonly nint* _first; // our entry
    private readonly nint* _protected;
    private readonly nint _protectedEnd;

    private MonitorWaits(nint thread, in Findings findings)
    {
        _thread = thread;
        _blocking = (nint*)(thread + findings.Blocking);
        nint* head = (nint*)(thread + findings.Waits);
        _first = (nint*)NativeMemory.AllocZeroed(LinkBytes);
        _first[0] = (nint)_first; // no monitor is there
        _first[LinkThread] = thread;
        _first[LinkCount] = 1;
        *head = (nint)_first;
        Head = head;
        _protected = (nint*)(thread + findings.Protected);
        _protectedEnd = findings.ProtectedEnd;
    }

    /// <summary>Why nobody can park inside <c>Monitor.Wait</c>; null if that can be done.</summary>
    public static string? Obstacle => s_findings.Value.Obstacle;

    private nint* Head { get; }

    /// <summary>Whether the running stack is inside a native wait for a monitor, or for a lock.</summary>
    public bool IsInside => _first[LinkNext] != 0 || *_blocking != 0;

    /// <summary>Whether it waits for a pulse, not just for its turn to have a lock.</summary>
    public bool IsInWait => _first[LinkNext] != 0;

    /// <summary>Those of the calling thread; null where there are none, or they cannot be found.</summary>
    public static MonitorWaits? OfThisThread()
    {
        Findings findings = s_findings.Value;
        if (findings.Obstacle is not null || findings.Waits == 0)
        {
            return null;
        }

        nint thread = ThreadLocator.OfManaged(Thread.CurrentThread);
        return *(nint*)(thread + findings.Waits) == 0 && *(nint*)(thread + findings.Blocking) == 0 ? new MonitorWaits(thread, findings) : null;
    }

    /// <summary>Whether all of Monitor.Wait is managed code.</summary>
    public static bool AreManaged => s_findings.Value is { Obstacle: null, Waits: 0 };

    /// <summary>Calls something that leaves the running stack, which the runtime called inside a wait of its own, and comes back to it.</summary>
    /// <remarks>The wait protects a few references by entries of a third list (<c>m_pGCFrame</c>). A stack with such entries takes a
    /// thread record to park; so they are taken away, too, and what they protect is pinned meanwhile.</remarks>
    public void Around(Action park)
    {
        if (!TryRead(out Protected protectedReferences))
        {
            AroundWords(park);
            return;
        }

        fixed (byte* a = &Bytes(protectedReferences[0]), b = &Bytes(protectedReferences[1]), c = &Bytes(protectedReferences[2]),
            d = &Bytes(protectedReferences[3]), e = &Bytes(protectedReferences[4]), f = &Bytes(protectedReferences[5]))
        {
            nint frames = *_protected;
            *_protected = _protectedEnd; // nothing moves any more of what they protect
            try
            {
                AroundWords(park);
            }
            finally
            {
                *_protected = frames;
            }
        }
    }

    private void AroundWords(Action park)
    {
        Kept kept = Take();
        try
        {
            park();
        }
        finally
        {
            PutBack(kept);
        }
    }

    /// <summary>What the entries of the running stack protect; for tests.</summary>
    internal object[] ProtectedReferences() => TryRead(out Protected found) ? ((ReadOnlySpan<object>)found).ToArray() : [];

    // What the entries of the running stack protect. False if there are too many, or one has another form.
    private bool TryRead(out Protected found)
    {
        found = default;
        int count = 0;
        for (nint* frame = (nint*)*_protected; (nint)frame != _protectedEnd; frame = (nint*)frame[0])
        {
            uint references = *(uint*)(frame + 3);
            if (frame[1] != _thread || references > MostProtected || *(byte*)((uint*)(frame + 3) + 1) != 0 || count + references > MostProtected)
            {
                return false; // it may lead into objects, too
            }

            for (int i = 0; i < (int)references; i++)
            {
                if (((nint*)frame[2])[i] != 0)
                {
                    found[count++] = Unsafe.AsRef<object>((nint*)frame[2] + i);
                }
            }
        }

        for (; count < MostProtected; count++)
        {
            found[count] = this;
        }

        return true;
    }

    private static ref byte Bytes(object reference) => ref Unsafe.As<AnyObject>(reference).First;

    /// <summary>Takes the words of the running stack away: it is about to be left.</summary>
    private Kept Take()
    {
        Kept kept = new(_first[LinkNext], *_blocking);
        for (nint* link = (nint*)kept.Waits; link is not null; link = (nint*)link[LinkNext])
        {
            link[LinkThread] = 0;
        }

        _first[LinkNext] = 0;
        *_blocking = 0;
        return kept;
    }

    /// <summary>Puts them back: the stack goes on.</summary>
    private void PutBack(Kept kept)
    {
        for (nint* link = (nint*)kept.Waits; link is not null; link = (nint*)link[LinkNext])
        {
            link[LinkThread] = _thread;
        }

        _first[LinkNext] = kept.Waits;
        *_blocking = kept.Blocking;
    }

    /// <summary>Takes the entry of ours out. On the same thread, which is in no wait. If it is in one all the same, the entry stays.</summary>
    public void Dispose()
    {
        if (*Head == (nint)_first && _first[LinkNext] == 0)
        {
            *Head = 0;
            NativeMemory.Free(_first);
        }
    }

    private static Findings Find()
    {
        if (BackendSelection.Instance is not { Backend: GreenletBackend.Segments, Bridge: { } bridge })
        {
            return new(0, 0, "greenlets are not segments");
        }

        Findings found = default;
        Thread thread = new(() =>
        {
            Observer observer = new(bridge.Layout);
            SynchronizationContext.SetSynchronizationContext(observer);
            object monitor = new();
            lock (monitor)
            {
                Monitor.Wait(monitor, 1);
            }

            found = observer.Conclude();
        })
        {
            IsBackground = true,
            Name = "NativeGreenlet calibration",
        };
        thread.UnsafeStart();
        thread.Join();
        return found;
    }

    /// <summary>What was taken away.</summary>
    private readonly record struct Kept(nint Waits, nint Blocking);

    private readonly record struct Findings(nint Waits, nint Blocking, string? Obstacle, nint Protected = 0, nint ProtectedEnd = 0);

    [InlineArray(MostProtected)]
    private struct Protected
    {
        private object _first;
    }

    private sealed class AnyObject
    {
        public byte First;
    }

    // Looks at the words of its thread inside the wait.
    private sealed class Observer : SynchronizationContext
    {
        private readonly nint _thread = ThreadLocator.OfManaged(Thread.CurrentThread);
        private readonly ng_clr_layout _layout;
        private readonly ulong[] _before;
        private readonly List<(nint Offset, bool IsLink)> _found = [];
        private readonly ulong _high;
        private bool _hasLooked;

        public Observer(RuntimeLayout layout)
        {
            _layout = layout.Native;
            void* low;
            void* high;
            _high = NativeMethods.ng_thread_stack(&low, &high) == ng_status.OK ? (ulong)high : 0;
            _before = Words();
            SetWaitNotificationRequired();
        }

        public override int Wait(nint[] waitHandles, bool waitAll, int millisecondsTimeout)
        {
            if (!_hasLooked)
            {
                _hasLooked = true;
                Look();
            }

            return WaitHelper(waitHandles, waitAll, millisecondsTimeout);
        }

        public Findings Conclude()
        {
            ulong[] after = Words();
            nint[] links = [.. _found.Where(each => each.IsLink).Select(each => each.Offset)];
            nint[] others = [.. _found.Where(each => !each.IsLink).Select(each => each.Offset)];
            if (!_hasLooked || _high == 0)
            {
                return new(0, 0, "its waits for monitors do not tell the thread's context");
            }

            bool areLeft = _found.TrueForAll(each => _before[each.Offset / sizeof(ulong)] == 0 && after[each.Offset / sizeof(ulong)] == 0);
            return (links.Length, others.Length, areLeft) switch
            {
                (0, 0, _) => default,
                (1, 1, true) => new(links[0], others[0], null, (nint)_layout.thread_gc_frame, (nint)_layout.gc_frame_end),
                _ => new(0, 0, $"inside a wait for a monitor {links.Length} and {others.Length} words of its threads lead into the stack, or stay"),
            };
        }

        [MethodImpl(MethodImplOptions.NoInlining)]
        private void Look()
        {
            ulong low;
            low = (ulong)&low;
            ulong[] inside = Words();
            for (int i = 0; i < Math.Min(inside.Length, _before.Length); i++)
            {
                nint offset = i * sizeof(ulong);
                ulong value = inside[i];
                bool isKnown = offset == _layout.thread_frame || offset == _layout.thread_exception_tracker || offset == _layout.thread_gc_frame;
                if (value != _before[i] && value > low && value < _high - LinkBytes && value % sizeof(ulong) == 0 && !isKnown)
                {
                    nint* entry = (nint*)value;
                    bool isLink = entry[LinkThread] == _thread && entry[LinkNext] == 0 && (int)entry[LinkCount] == 1 && entry[0] != 0;
                    _found.Add((offset, isLink));
                }
            }
        }

        private ulong[] Words()
        {
            int bytes = (int)NativeMethods.ng_object_bytes((void*)_thread, ThreadBytes);
            return new ReadOnlySpan<ulong>((void*)_thread, bytes / sizeof(ulong)).ToArray();
        }
    }
}
