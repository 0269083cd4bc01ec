using System.Runtime.InteropServices;
using NativeGreenlet.Interop;
using NativeGreenlet.Stacks;

namespace NativeGreenlet.Scheduling;

/// <summary>
/// What a greenlet's own stack may refer to. The public <see cref="Greenlet"/> refers to its core, never the other way
/// round: so a suspended greenlet that nobody can reach is collected, although its stack is a root.
/// </summary>
internal sealed unsafe class GreenletCore
{
    /// <summary>The native greenlet: its stack. Null before the start and after the end.</summary>
    public ng_greenlet* Native;

    /// <summary>Where the stack ends that is this greenlet's alone, at least <see cref="Carrier.LeastReach"/> bytes above where
    /// it begins; 0 if there is none.</summary>
    public nuint StackTop;

    /// <summary>The same as <see cref="Native"/> where stacks are threads.</summary>
    public BatonThread? Thread;

    /// <summary>The thread it is bound to, from its first start on.</summary>
    public Carrier? Carrier;

    /// <summary>Written by its own thread only.</summary>
    public volatile GreenletState State;

    public Greenlet? Parent;

    /// <summary>While it is being killed: the parent that it has otherwise and gets back.</summary>
    public Greenlet? OwnParent;

    /// <summary>What to run; null once it has started.</summary>
    public Func<object?, object?>? Run;

    public string? Name;

    public int StackSize;

    /// <summary>Whether it is being killed because nobody refers to it or because another thread asked for it.</summary>
    public bool IsVictim;

    /// <summary>Whether its body was entered; until then a failed start leaves it as it was.</summary>
    public bool HasBegun;

    /// <summary>Leads to the public object without keeping it alive; allocated while the greenlet is active.</summary>
    public GCHandle PublicObject;

    /// <summary>Which start of its thread made it active: the higher, the later.</summary>
    public long StartNumber;

    // The carrier's list of greenlets that have begun and not ended.
    public GreenletCore? PreviousActive;
    public GreenletCore? NextActive;

    /// <summary>What is set aside of it; null if nothing ever was. While it is, <see cref="Native"/> stands in.</summary>
    public FrozenPark* Park;

    /// <summary>What its stack refers to while it is frozen. Let go of when it is thawed: it would keep alive what the stack no
    /// longer refers to.</summary>
    public object?[]? FrozenReferences;

    /// <summary>Its place, from 1, among those of its carrier that may be set aside; 0 for none.</summary>
    public int ParkPlace;

    /// <summary>Whether it is frozen now.</summary>
    public bool IsFrozen => FrozenReferences is not null;

    private GreenletCore? _contextOwner;
    private ExecutionContext? _context;

    /// <param name="contextOwner">The greenlet whose execution context it shares; null for one of its own.</param>
    public GreenletCore(GreenletCore? contextOwner = null)
    {
        _contextOwner = contextOwner?._contextOwner ?? contextOwner;
    }

    /// <summary>The execution context while it is not running; null stands for an empty one.</summary>
    public ExecutionContext? Context
    {
        get => _contextOwner is null ? _context : _contextOwner._context;
        set
        {
            if (_contextOwner is null)
            {
                _context = value;
            }
            else
            {
                _contextOwner._context = value;
            }
        }
    }

    /// <summary>Bytes of its stack that are in use while it is suspended; else 0.</summary>
    public long StackBytesUsed => State == GreenletState.Suspended && Carrier is { } carrier ? carrier.StackBytesUsed(this) : 0;

    public bool IsMain => Carrier is { } carrier && carrier.Main.Core == this;

    /// <summary>The parent in the tree that has no cycles: a greenlet that is being killed may have a descendant for its
    /// parent meanwhile.</summary>
    public Greenlet? TreeParent => OwnParent ?? Parent;

    /// <summary>The state as it is known outside: when their thread has ended, greenlets are dead at once.</summary>
    public GreenletState ObservedState
    {
        get
        {
            if (State is GreenletState.Running or GreenletState.Suspended
                && Carrier is { } carrier && carrier != Carrier.OfThisThreadOrNull && !carrier.IsThreadAlive)
            {
                CarrierRegistry.Sweep();
            }

            return State;
        }
    }

    /// <summary>Takes it out of <see cref="GreenletState.Unstarted"/>. Of several threads that try, one succeeds.</summary>
    public bool TryLeaveUnstarted(GreenletState state) =>
        Interlocked.CompareExchange(ref State, state, GreenletState.Unstarted) == GreenletState.Unstarted;

    /// <summary>Whether both have one execution context.</summary>
    public bool SharesContextWith(GreenletCore other) => (_contextOwner ?? this) == (other._contextOwner ?? other);

    /// <summary>A context is shared within a thread: one that starts on another than its sharer's gets a copy.</summary>
    public void UnshareContextOfOtherThread()
    {
        if (_contextOwner is { } owner && owner.Carrier != Carrier)
        {
            _context = owner._context;
            _contextOwner = null;
        }
    }
}
