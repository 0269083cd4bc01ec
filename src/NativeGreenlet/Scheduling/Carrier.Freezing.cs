using System.Diagnostics;
using System.Runtime;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using NativeGreenlet.Interop;
using NativeGreenlet.Runtime;

namespace NativeGreenlet.Scheduling;

/// <content>
/// Greenlets that have been parked for long: set aside, then frozen, so that the collector does not walk their stacks; and back.
/// </content>
internal sealed unsafe partial class Carrier
{
    /// <summary>Fewer parked greenlets than that are not worth it.</summary>
    public const int FewParked = 64;

    /// <summary>Greenlets whose pages one switch gives back at most.</summary>
    public const int PageBatch = 128;

    private const int ManyParked = 512; // with as many it is found out at once whether they can be frozen, while collections are quick still
    private const int Batch = 1024; // parked greenlets that one switch looks at
    private const int LeastPatience = 2; // collections that a greenlet was set aside before it is frozen
    private const int MostPatience = 64; // where it was continued soon after it was frozen, several times
    private const int SoonThawed = 4; // collections
    private const int MostLessons = 8; // given for one greenlet
    private const int PageEvery = 16; // where each park is frozen: of so many, one gives its pages back

    private List<GreenletCore>? _parked; // those that are linked into the collector's chain; null where nothing is frozen
    private List<GreenletCore>? _wanted; // each of a shape that is common and not known
    private HashSet<ulong>? _wantedShapes;
    private Queue<(nint Park, int Number, long Since)>? _withPages;
    private int _nextParked = -1;
    private long _freezeCount;
    private bool _freezesAlways;
    private volatile bool _isFreezingDue;
    private volatile Action? _nudge;

    /// <summary>Milliseconds that a greenlet is frozen before its pages are given back. Tests change it.</summary>
    public static long PageDelay { get; set; } = 2000;

    /// <summary>Whether there is something to do about parked greenlets. The next switch does some of it, or <see cref="FreezeSome"/>.</summary>
    public bool IsFreezingDue => _isFreezingDue;

    /// <summary>Called by any thread when there is, after a collection: for a thread that sleeps. Null for nothing.</summary>
    public Action? Nudge
    {
        set => _nudge = value;
    }

    /// <summary>Whether it is a hub's, which says itself what its greenlets do.</summary>
    public bool IsOfHub => _nudge is not null;

    /// <summary>Greenlets that are frozen now.</summary>
    public long FrozenCount { get; private set; }

    /// <summary>Asks for a look at what is parked, at the next switch. From any thread, after each collection.</summary>
    public void RequestFreezing()
    {
        if (_parked is { Count: >= FewParked } || _withPages is { Count: > 0 })
        {
            _isFreezingDue = true;
            _isEventful = true; // settles itself at the next switch
            _nudge?.Invoke();
        }
    }

    /// <summary>Whether there are so many greenlets, or some that are frozen, that collections are of interest. Asked by any thread.</summary>
    public bool HasEnoughToFreeze => _parked is not null && (LiveCount >= FewParked || FrozenCount > 0 || _freezesAlways || HasPages);

    /// <summary>Whether some frozen greenlets have their pages still.</summary>
    public bool HasPages => _withPages is { Count: > 0 };

    /// <summary>Does some of what is due, on the carrier's own thread, which has nothing better to do.</summary>
    public void FreezeSome() => FreezeParked(null);

    /// <summary>Freezes a parked greenlet of this thread at once, if it can be. For tests, and for the check at the first use.</summary>
    public ng_freeze_verdict FreezeNow(GreenletCore core, bool givesPages) => FreezeNow(core, givesPages, FreezeLessons.Urgency.Now);

    /// <summary>Learns the shapes of parked greenlets of the calling thread at once, with the same collections for all. For the check at the first use.</summary>
    /// <returns>False if another copy of this library learns some; none is known then.</returns>
    public static bool LearnNow(ReadOnlySpan<GreenletCore> cores)
    {
        foreach (GreenletCore core in cores)
        {
            _ = SetAside(core);
        }

        List<FreezeLessons.Wanted> wanted = FindUnknown(cores, mayUnload: 0);
        return wanted.Count == 0 || FreezeLessons.LearnTogether(wanted);
    }

    private ng_freeze_verdict FreezeNow(GreenletCore core, bool givesPages, FreezeLessons.Urgency urgency)
    {
        if (core.State != GreenletState.Suspended || core.IsMain || core.Carrier != this || core.IsFrozen)
        {
            return ng_freeze_verdict.NOT_PLAIN;
        }

        FreezeLessons.LookForUnloadableCode();
        FrozenPark* park = SetAside(core);
        ng_freeze_verdict verdict = Freeze(core, park, urgency);
        if (verdict == ng_freeze_verdict.POSSIBLE && givesPages)
        {
            _ = NativeMethods.ng_frozen_give_pages(park->Frozen);
        }

        return verdict;
    }

    private void PrepareToFreeze()
    {
        if (FreezeSetting.Mode == GreenletFreezing.Off || BackendSelection.Instance.Backend != GreenletBackend.Segments)
        {
            return;
        }

        _parked = [];
        _freezesAlways = FreezeSetting.Mode == GreenletFreezing.Always;
        _isEventful = IsAlwaysEventful;
        if (_freezesAlways)
        {
            FreezeTick.Start();
        }
    }

    private void WatchPark(GreenletCore core)
    {
        if (_parked is { } parked)
        {
            parked.Add(core);
            core.ParkPlace = parked.Count;
            if (parked.Count == FewParked)
            {
                FreezeTick.Start(); // nothing is done in a program that never has as many
            }
        }
    }

    private void ForgetPark(GreenletCore core)
    {
        if (_parked is { } parked && core.ParkPlace is > 0 and int place)
        {
            GreenletCore last = parked[^1];
            parked[place - 1] = last;
            last.ParkPlace = place;
            parked.RemoveAt(parked.Count - 1);
            core.ParkPlace = 0;
        }
    }

    // Of one that has ended, or never began.
    private void ReleasePark(GreenletCore core)
    {
        ForgetPark(core);
        FrozenPark* park = core.Park;
        core.Park = null;
        FrozenPark.GiveBack(park);
    }

    // Optimized, so that nothing but what is needed is on the stack; apart, because what calls it has a switch to be quick with.
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    private void FreezeParked(GreenletCore? left)
    {
        if (FreezeSetting.Mode == GreenletFreezing.Off || !RuntimeHelpers.TryEnsureSufficientExecutionStack())
        {
            _freezesAlways &= FreezeSetting.Mode != GreenletFreezing.Off;
            _isFreezingDue = false;
            _isEventful = IsAlwaysEventful;
            return;
        }

        try
        {
            if (GCSettings.LatencyMode == GCLatencyMode.NoGCRegion)
            {
                _isFreezingDue = false; // it would end of a collection, and of what a freeze allocates
            }
            else if (_freezesAlways)
            {
                FreezeLeft(left);
            }
            else
            {
                FreezeLongParked();
            }
        }
        catch (Exception exception) when (exception is GreenletException or OutOfMemoryException)
        {
            _isFreezingDue = false; // no memory, or no record for the byrefs or a lesson: there may be after the next collection
        }
        catch (Exception exception)
        {
            // It is only to save time. What was begun has been undone, or is whole.
            FreezeSetting.TurnOff($"it failed: {exception.Message}");
        }

        _isEventful = IsAlwaysEventful;
    }

    private void FreezeLeft(GreenletCore? left)
    {
        _isFreezingDue = false;
        if (left is { IsMain: false, State: GreenletState.Suspended } && left.Carrier == this && left != Current.Core && !FreezeCheck.IsRunning && FreezeLessons.IsReady
            && FreezeNow(left, _freezeCount % PageEvery == 0, FreezeLessons.Urgency.Soon) is not ng_freeze_verdict.POSSIBLE and var verdict)
        {
            FreezeFigures.Add(verdict);
        }
    }

    // From the last to the first: one that is frozen is replaced by the last, which was looked at before.
    private void FreezeLongParked()
    {
        FreezeLessons.LookForUnloadableCode();
        List<GreenletCore> parked = _parked!;
        if (_nextParked < 0 || _nextParked >= parked.Count)
        {
            _nextParked = parked.Count - 1;
        }

        if (parked.Count >= ManyParked)
        {
            _ = FreezeLessons.IsReadyOrSoon;
        }

        for (int i = 0; i < Batch && _nextParked >= 0; i++, _nextParked--)
        {
            if (_nextParked < parked.Count && !Consider(parked[_nextParked]))
            {
                _nextParked = -1; // there may be an answer after the next collection
                break;
            }
        }

        if (_nextParked < 0 && LearnWanted())
        {
            _nextParked = parked.Count - 1; // once more, now that they are known
        }

        bool hasMorePages = GivePages();
        if (_nextParked < 0 && !hasMorePages)
        {
            _isFreezingDue = false; // until the next collection
        }
    }

    // Those that were met since the last time, as far as they are parked as they were then. True if something is known that was not.
    private bool LearnWanted()
    {
        if (_wanted is not { Count: > 0 } candidates)
        {
            return false;
        }

        try
        {
            if (!FreezeLessons.IsTimeForMore)
            {
                return false;
            }

            List<FreezeLessons.Wanted> wanted = FindUnknown(CollectionsMarshal.AsSpan(candidates), FreezeLessons.MayUnload);
            foreach (FreezeLessons.Wanted each in wanted)
            {
                each.Park->Lessons++;
            }

            return FreezeLessons.LearnTogether(wanted);
        }
        finally
        {
            candidates.Clear();
            _wantedShapes!.Clear();
        }
    }

    private static List<FreezeLessons.Wanted> FindUnknown(ReadOnlySpan<GreenletCore> cores, uint mayUnload)
    {
        List<FreezeLessons.Wanted> wanted = [];
        foreach (GreenletCore core in cores)
        {
            FrozenPark* park = core.Park;
            if (core.State != GreenletState.Suspended || park is null || park->Native is null || park->Frozen is not null)
            {
                continue;
            }

            ng_freeze_plan plan;
            ng_freeze_verdict verdict = NativeMethods.ng_freeze_find(park->Native, mayUnload, &plan);
            if (verdict == ng_freeze_verdict.POSSIBLE)
            {
                NativeMethods.ng_freeze_cancel(&plan); // for this look
            }
            else if (verdict == ng_freeze_verdict.UNKNOWN)
            {
                ulong hash = plan.hash;
                if (!wanted.Exists(each => each.Hash == hash))
                {
                    wanted.Add(new(park->Native, hash, park));
                }
            }
        }

        return wanted;
    }

    // False if it is not known yet whether anything can be frozen. That is asked only when there is something to freeze: it takes collections.
    private bool Consider(GreenletCore core)
    {
        if (core.State != GreenletState.Suspended)
        {
            return true;
        }

        FrozenPark* park = core.Park;
        if (park is null || park->Native is null)
        {
            _ = SetAside(core);
        }
        else if (!park->IsRefused && ++park->Age >= park->Patience)
        {
            if (!FreezeLessons.IsReadyOrSoon)
            {
                return false;
            }

            ng_freeze_verdict verdict = Freeze(core, park, FreezeLessons.Urgency.Leisure);
            if (verdict != ng_freeze_verdict.POSSIBLE)
            {
                FreezeFigures.Add(verdict);
                if (verdict != ng_freeze_verdict.UNKNOWN)
                {
                    park->IsRefused = true;
                    ForgetPark(core); // until it is continued
                }
            }
        }

        return true;
    }

    // Not long ago: the queue is in the order of time.
    private bool GivePages()
    {
        long now = Environment.TickCount64;
        for (int i = 0; i < PageBatch; i++)
        {
            if (_withPages is null || !_withPages.TryPeek(out (nint Park, int Number, long Since) next) || (now - next.Since < PageDelay && !FreezeTick.IsMemoryShort))
            {
                return false;
            }

            _ = _withPages.Dequeue();
            FrozenPark* park = (FrozenPark*)next.Park;
            if (park->Number == next.Number && park->Frozen is not null) // else it was continued, and may be another greenlet's
            {
                _ = NativeMethods.ng_frozen_give_pages(park->Frozen);
            }
        }

        return true;
    }

    private static FrozenPark* SetAside(GreenletCore core)
    {
        if (core.Park is null)
        {
            core.Park = FrozenPark.Take(LeastPatience);
        }

        FrozenPark* park = core.Park;
        if (park->Native is null)
        {
            park->Age = 0;
            park->Lessons = 0;
            park->IsRefused = false;
            park->Native = core.Native;
            core.Native = NativeMethods.ng_freeze_stand_in();
        }

        return park;
    }

    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    private ng_freeze_verdict Freeze(GreenletCore core, FrozenPark* park, FreezeLessons.Urgency urgency)
    {
        ng_freeze_plan plan;
        uint mayUnload = FreezeCheck.IsRunning ? 0 : FreezeLessons.MayUnload; // what it freezes runs our own code
        ng_freeze_verdict verdict = NativeMethods.ng_freeze_find(park->Native, mayUnload, &plan);
        if (verdict == ng_freeze_verdict.UNKNOWN && urgency == FreezeLessons.Urgency.Leisure)
        {
            return Want(core, park, plan.hash);
        }

        if (verdict == ng_freeze_verdict.UNKNOWN)
        {
            verdict = FreezeLessons.Learn(park->Native, plan.hash, urgency);
            if (verdict == ng_freeze_verdict.POSSIBLE)
            {
                verdict = NativeMethods.ng_freeze_find(park->Native, mayUnload, &plan);
                if (verdict == ng_freeze_verdict.UNKNOWN && ++park->Lessons >= MostLessons)
                {
                    verdict = ng_freeze_verdict.REFUSED; // there is a word whose meaning does not come out
                }
            }
        }

        if (verdict != ng_freeze_verdict.POSSIBLE)
        {
            return verdict;
        }

        try
        {
            return Freeze(core, park, &plan);
        }
        finally
        {
            if (park->Frozen is null)
            {
                NativeMethods.ng_freeze_cancel(&plan);
            }
        }
    }

    // UNKNOWN: it may be known at the next look.
    private ng_freeze_verdict Want(GreenletCore core, FrozenPark* park, ulong hash)
    {
        if (park->Lessons >= MostLessons)
        {
            return ng_freeze_verdict.REFUSED; // there is a word whose meaning does not come out
        }

        ng_freeze_verdict verdict = FreezeLessons.Ask(hash);
        if (verdict != ng_freeze_verdict.POSSIBLE)
        {
            return verdict;
        }

        _wanted ??= [];
        _wantedShapes ??= [];
        if (_wanted.Count < FreezeLessons.MostAtATime && _wantedShapes.Add(hash))
        {
            _wanted.Add(core);
        }

        return ng_freeze_verdict.UNKNOWN;
    }

    // Until the native library takes it out of the chain, a collection updates both its stack and the copy.
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    private ng_freeze_verdict Freeze(GreenletCore core, FrozenPark* park, ng_freeze_plan* plan)
    {
        long bytes = (long)NativeMethods.ng_greenlet_stack_used(park->Native);
        object?[] references = new object?[plan->slot_count];
        for (int i = 0; i < references.Length; i++)
        {
            references[i] = Unsafe.AsRef<object?>(&plan->stack[plan->slots[i]]);
        }

        ng_frozen* frozen;
        ng_status status = NativeMethods.ng_freeze(plan, &frozen);
        while (status == ng_status.NEED_RECORD)
        {
            ThreadRecords.AddForFreezing();
            status = NativeMethods.ng_freeze(plan, &frozen);
        }

        if (status != ng_status.OK)
        {
            return ng_freeze_verdict.REFUSED;
        }

        core.FrozenReferences = references;
        park->StackBytes = bytes;
        park->Frozen = frozen;
        park->Number++;
        park->FrozenAt = FreezeTick.Count;
        ForgetPark(core);
        FrozenCount++;
        _freezeCount++;
        FreezeFigures.Add(ng_freeze_verdict.POSSIBLE);
        if (plan->is_kept != 0)
        {
            FreezeTick.Start(); // collections tell when what it runs with is not needed any more
        }

        if (!_freezesAlways && _parked is not null)
        {
            (_withPages ??= new()).Enqueue(((nint)park, park->Number, Environment.TickCount64)); // not before: its code has to be compiled
        }

        return ng_freeze_verdict.POSSIBLE;
    }

    // Makes it one that can be switched to, if it was set aside.
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    private bool Thaw(GreenletCore core)
    {
        FrozenPark* park = core.Park;
        if (park is null || park->Native is null)
        {
            return false;
        }

        core.Native = park->Native;
        park->Native = null;
        if (park->Frozen is not null)
        {
            Debug.Assert(this == t_current);
            ThawReferences(park->Frozen, core.FrozenReferences!);
            park->Frozen = null;
            core.FrozenReferences = null;
            FrozenCount--;
            park->Patience = FreezeTick.Count - park->FrozenAt < SoonThawed ? Math.Min(park->Patience * 2, MostPatience) : LeastPatience;
            FreezeFigures.AddThaw();
        }

        if (core.ParkPlace == 0)
        {
            WatchPark(core);
        }

        return true;
    }

    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    private static void ThawReferences(ng_frozen* frozen, object?[] references)
    {
        fixed (void* first = &Unsafe.As<object?, byte>(ref MemoryMarshal.GetArrayDataReference(references)))
        {
            _ = NativeMethods.ng_thaw(frozen, first);
        }
    }
}
