using System.ComponentModel;
using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Runtime.ExceptionServices;
using NativeGreenlet.Lifecycle;
using NativeGreenlet.Scheduling;

namespace NativeGreenlet;

/// <summary>
/// A function with a stack of its own, on the caller's thread, that can be left in the middle and continued later by an
/// explicit switch. Mirrors Python's <c>greenlet</c>, feature by feature: <c>docs/greenlet-compatibility.md</c>.
/// </summary>
/// <remarks>
/// <para>A greenlet is bound to the thread that first starts it, and only that thread may switch to it. Every thread has
/// a main greenlet, which stands for the thread's own stack and is the root of its tree of parents.</para>
/// <para>When a greenlet's body returns or throws, its parent continues with the result or the exception.</para>
/// <para>A suspended greenlet that nobody refers to any more is ended by its thread at the thread's next use of this
/// library: <see cref="GreenletExit"/> is raised in it, so that its <c>finally</c> blocks run. A derived class whose
/// <see cref="Run"/> uses <c>this</c> refers to itself from its own stack, and must be disposed of instead. So must one
/// that a long-running method made: where code is not optimized (a debug build, the first calls of a method), the
/// temporaries of an expression such as <c>new Greenlet(...).Switch()</c> live as long as the method runs.</para>
/// </remarks>
/// <example><code>
/// Greenlet main = Greenlet.Current;
/// Greenlet greeter = new(name =&gt;
/// {
///     object? next = main.Switch($"hello {name}");
///     return $"goodbye {next}";
/// });
/// Console.WriteLine(greeter.Switch("Ada")); // hello Ada
/// Console.WriteLine(greeter.Switch("Bob")); // goodbye Bob
/// Console.WriteLine(greeter.IsDead); // True
/// </code></example>
[DebuggerDisplay("{ToString(),nq}")]
[SuppressMessage("Design", "CA1063:Implement IDisposable correctly", Justification = "Dispose switches stacks; there is nothing for a derived class to add, and no finalizer.")]
public class Greenlet : IDisposable
{
    private readonly string? _mainName;
    private Func<object?, object?>? _run; // until it starts, or is dead without having started

    /// <summary>Creates a greenlet that runs a function of the first value it is switched to with.</summary>
    /// <param name="run">The body. Its result goes to the parent.</param>
    /// <param name="parent">The parent; null stands for the current greenlet.</param>
    /// <exception cref="ArgumentNullException"><paramref name="run"/> is null.</exception>
    public Greenlet(Func<object?, object?> run, Greenlet? parent = null)
        : this(parent)
    {
        ArgumentNullException.ThrowIfNull(run);
        _run = run;
    }

    /// <summary>Creates a greenlet that runs a function and ignores the first value it is switched to with.</summary>
    /// <inheritdoc cref="Greenlet(Func{object?, object?}, Greenlet?)"/>
    public Greenlet(Func<object?> run, Greenlet? parent = null)
        : this(parent)
    {
        ArgumentNullException.ThrowIfNull(run);
        _run = run.IgnoreValue;
    }

    /// <summary>Creates a greenlet that runs an action; its result is null.</summary>
    /// <inheritdoc cref="Greenlet(Func{object?, object?}, Greenlet?)"/>
    public Greenlet(Action run, Greenlet? parent = null)
        : this(parent)
    {
        ArgumentNullException.ThrowIfNull(run);
        _run = run.ReturnNull;
    }

    /// <summary>Creates a greenlet whose body throws, or goes on for ever.</summary>
    /// <inheritdoc cref="Greenlet(Func{object?, object?}, Greenlet?)"/>
    [OverloadResolutionPriority(1)]
    [EditorBrowsable(EditorBrowsableState.Never)]
    public Greenlet(Func<Never?> run, Greenlet? parent = null)
        : this((Func<object?>)run, parent)
    {
    }

    /// <summary>Refuses an asynchronous body: a greenlet has ended when its body has returned.</summary>
    /// <param name="run">The body.</param>
    /// <param name="parent">The parent.</param>
    /// <exception cref="NotSupportedException">Always.</exception>
    [Obsolete("A greenlet cannot await: what comes after the first await would be lost to it. Use Hub.Run(async () => ...) and Hub.Spawn(async () => ...) of NativeGreenlet.Cooperative, or wait inside the greenlet by Hub.Await(...).", error: true)]
    [EditorBrowsable(EditorBrowsableState.Never)]
    public Greenlet(Func<Task> run, Greenlet? parent = null)
        : this(parent)
    {
        throw new NotSupportedException("A greenlet cannot await.");
    }

    /// <summary>Creates a greenlet with options.</summary>
    /// <param name="run">The body. Its result goes to the parent.</param>
    /// <param name="options">Parent, name, stack size and execution context; copied.</param>
    /// <exception cref="ArgumentNullException">An argument is null.</exception>
    public Greenlet(Func<object?, object?> run, GreenletOptions options)
        : this((options ?? throw new ArgumentNullException(nameof(options))).Parent, options.ContextFlow)
    {
        ArgumentNullException.ThrowIfNull(run);
        _run = run;
        Name = options.Name;
        Core.StackSize = options.StackSize;
    }

    /// <summary>Creates a greenlet of a derived class that overrides <see cref="Run"/>.</summary>
    /// <param name="parent">The parent; null stands for the current greenlet.</param>
    protected Greenlet(Greenlet? parent = null)
        : this(parent, ContextFlow.Capture)
    {
    }

    private Greenlet(Greenlet? parent, ContextFlow flow)
    {
        Greenlet current = Current;
        Core = new GreenletCore(flow == ContextFlow.Share ? current.Core : null) { Parent = parent ?? current };
        if (flow == ContextFlow.Share || (flow == ContextFlow.Capture && !ExecutionContext.IsFlowSuppressed()))
        {
            Core.Context = ThreadContext.Current;
        }
    }

    private Greenlet(Carrier carrier)
    {
        Core = new GreenletCore { Carrier = carrier, State = GreenletState.Running, HasBegun = true };
        _mainName = "main";
    }

    /// <summary>
    /// Occurs, on the greenlet's thread, when an exception leaves a greenlet that is killed because nobody refers to it or
    /// because another thread disposed of it, or when a greenlet that is killed swallows its <see cref="GreenletExit"/> and
    /// goes on living. Mirrors the unraisable hook.
    /// </summary>
    public static event EventHandler<UnobservedGreenletExceptionEventArgs>? UnobservedException;

    /// <summary>Gets the greenlet that the calling thread executes: its main greenlet if none was started.</summary>
    public static Greenlet Current
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => Carrier.CurrentOfThisThread;
    }

    /// <summary>
    /// Gets or sets the greenlet that continues when this one ends; null only for a main greenlet. May be changed in any
    /// state.
    /// </summary>
    /// <exception cref="ArgumentNullException">Set to null.</exception>
    /// <exception cref="InvalidOperationException">Set for a main greenlet.</exception>
    /// <exception cref="GreenletException">
    /// <see cref="GreenletError.CyclicParent"/> if the new parent descends from this greenlet;
    /// <see cref="GreenletError.WrongThread"/> if this greenlet has started and the new parent belongs to another
    /// thread; <see cref="GreenletError.ThreadExited"/> if that thread has ended.
    /// </exception>
    public Greenlet? Parent
    {
        get => Core.Parent;
        set
        {
            ArgumentNullException.ThrowIfNull(value);
            if (IsMain)
            {
                throw new InvalidOperationException("The parent of a main greenlet cannot be set.");
            }

            Carrier? lineage = null;
            for (Greenlet? ancestor = value; ancestor is not null; ancestor = ancestor.Core.TreeParent)
            {
                if (ancestor.Core == Core)
                {
                    throw new GreenletException(GreenletError.CyclicParent, $"{value} cannot be the parent of {this}: it descends from it.");
                }

                lineage ??= ancestor.Core.Carrier;
            }

            if (lineage is null or { HasExited: true } or { IsThreadAlive: false })
            {
                throw new GreenletException(GreenletError.ThreadExited, $"{value} cannot be the parent of {this}: its thread has ended.");
            }

            if (Core.Carrier is { } carrier && carrier != lineage)
            {
                throw new GreenletException(GreenletError.WrongThread, $"{value} belongs to thread {lineage.ThreadId}; it cannot be the parent of {this}, which was started on thread {carrier.ThreadId}.");
            }

            Core.Parent = value;
            Core.OwnParent = null; // of one that is being killed: this is the parent that it keeps
        }
    }

    /// <summary>Gets where the greenlet is in its life.</summary>
    public GreenletState State => Core.ObservedState;

    /// <summary>Gets whether its body has begun and not ended.</summary>
    public bool IsActive => State is GreenletState.Running or GreenletState.Suspended;

    /// <summary>Gets whether it has ended, by a return, an exception or a kill, or its thread has.</summary>
    public bool IsDead => State == GreenletState.Dead;

    /// <summary>Gets whether it stands for its thread's own stack.</summary>
    public bool IsMain => Core.IsMain;

    /// <summary>Gets or sets a name for diagnostics; the library does not use it.</summary>
    public string? Name
    {
        get => Core.Name ?? _mainName;
        set => Core.Name = value;
    }

    /// <summary>Gets the <see cref="Environment.CurrentManagedThreadId"/> of its thread; 0 before its first start.</summary>
    public int OwnerThreadId => Core.Carrier?.ThreadId ?? 0;

    /// <summary>
    /// Gets or sets the greenlet's execution context (the values of <see cref="AsyncLocal{T}"/>); null stands for an empty
    /// one. Can be read and written in every state; for the running greenlet it takes effect at once; a dead one keeps its
    /// last.
    /// </summary>
    /// <exception cref="GreenletException"><see cref="GreenletError.WrongThread"/> if the greenlet is running on another
    /// thread.</exception>
    public ExecutionContext? Context
    {
        get
        {
            ThrowIfRunningElsewhere();
            return ThreadContext.OrNull(IsInItsContext ? ThreadContext.Current : Core.Context);
        }

        set
        {
            ThrowIfRunningElsewhere();
            if (IsInItsContext)
            {
                ThreadContext.Replace(value);
            }

            Core.Context = value;
        }
    }

    /// <summary>Gets how many bytes of its stack a suspended greenlet uses; 0 in every other state and for a main
    /// greenlet.</summary>
    public long StackBytesUsed => State == GreenletState.Suspended ? Core.StackBytesUsed : 0;

    internal GreenletCore Core { get; }

    internal AbandonmentSentinel? Sentinel { get; set; }

    /// <summary>What belongs to the greenlet alone and is dropped when it ends. Not in the core, which its stack refers to: a value may refer
    /// to its greenlet.</summary>
    internal object? Locals { get; set; }

    // Whether the calling thread executes in its context: it runs, or one that shares its context does.
    private bool IsInItsContext =>
        State == GreenletState.Running || (Carrier.OfThisThreadOrNull is { } carrier && Core.SharesContextWith(carrier.Current.Core));

    /// <summary>
    /// Continues this greenlet, or starts it. Returns when something switches back to the caller: what that passes is
    /// the result, which need not have to do with <paramref name="value"/>.
    /// </summary>
    /// <remarks>A dead greenlet stands for its parent. Switching to the current greenlet returns the value at
    /// once.</remarks>
    /// <param name="value">What the greenlet's own switch returns, or what its body is called with.</param>
    /// <returns>What the caller is continued with.</returns>
    /// <exception cref="GreenletException">
    /// <see cref="GreenletError.WrongThread"/> or <see cref="GreenletError.ThreadExited"/> if it belongs to another
    /// thread; <see cref="GreenletError.NoRun"/> if it has nothing to run; <see cref="GreenletError.OutOfStacks"/> if it
    /// cannot be started. It is then as it was.
    /// </exception>
    /// <exception cref="Exception">Whatever the caller is continued with by <see cref="Throw(Exception?)"/>, or by the
    /// end of a child.</exception>
    // Into its caller, if that is optimized: a frame less for every collection, and a CPU predicts the return from a method
    // wrongly when stacks were exchanged within it.
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.AggressiveInlining)]
    [SkipLocalsInit]
    public unsafe object? Switch(object? value = null)
    {
        byte here;
        GreenletCore core = Core;
        if (core.State == GreenletState.Suspended)
        {
            Carrier carrier = core.Carrier!; // asked after the state: another thread may start it
            if (carrier.IsOfThisThread(&here) && !carrier.HasKills)
            {
                return carrier.Transfer(this, value, null);
            }
        }

        return Dispatch(this, value, null);
    }

    /// <summary>
    /// Continues this greenlet with an exception, raised in it where it is suspended.
    /// </summary>
    /// <remarks>
    /// One that has not started dies without running, and the exception goes to its parent. In a dead one, a
    /// <see cref="GreenletExit"/> is returned by its parent's switch; any other exception is raised there. The current
    /// greenlet throws it on the spot.
    /// </remarks>
    /// <param name="exception">What to raise; null stands for a new <see cref="GreenletExit"/>.</param>
    /// <returns>What the caller is continued with.</returns>
    /// <exception cref="GreenletException">As for <see cref="Switch"/>.</exception>
    /// <exception cref="Exception">Whatever the caller is continued with, as for <see cref="Switch"/>.</exception>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public object? Throw(Exception? exception = null) =>
        Dispatch(this, null, ExceptionDispatchInfo.Capture(exception ?? new GreenletExit()));

    /// <summary>Continues this greenlet with an exception, as <see cref="Throw(Exception?)"/> does, with the stack trace that
    /// was captured.</summary>
    /// <param name="exception">What to raise.</param>
    /// <returns>What the caller is continued with.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="exception"/> is null.</exception>
    /// <exception cref="GreenletException">As for <see cref="Switch"/>.</exception>
    /// <exception cref="Exception">Whatever the caller is continued with, as for <see cref="Switch"/>.</exception>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public object? Throw(ExceptionDispatchInfo exception)
    {
        ArgumentNullException.ThrowIfNull(exception);
        return Dispatch(this, null, exception);
    }

    /// <summary>
    /// Ends the greenlet. One that has not started will never run; a suspended one gets a <see cref="GreenletExit"/>
    /// with the caller for its parent meanwhile, and its <c>finally</c> blocks have run when this returns; the
    /// current one throws <see cref="GreenletExit"/>; a dead one is left alone.
    /// </summary>
    /// <remarks>
    /// On another thread than the greenlet's the request is queued and carried out by that thread at its next use of
    /// this library. An exception other than <see cref="GreenletExit"/> that leaves the greenlet is thrown here. If the
    /// greenlet swallows the exit and suspends itself again, it stays alive and <see cref="UnobservedException"/> is
    /// raised.
    /// </remarks>
    /// <exception cref="InvalidOperationException">This is a main greenlet.</exception>
    /// <exception cref="GreenletExit">This is the current greenlet.</exception>
    /// <exception cref="Exception">Whatever else left the greenlet while it was ended.</exception>
    public void Dispose()
    {
        GC.SuppressFinalize(this);
        if (Core.State == GreenletState.Dead)
        {
            return;
        }

        if (IsMain)
        {
            throw new InvalidOperationException("A main greenlet lives as long as its thread; it cannot be disposed of.");
        }

        if (TryEndUnstarted())
        {
            return;
        }

        // Or another thread was faster and started it: then that is the owner by now.
        Carrier carrier = Carrier.OfThisThread;
        if (Core.Carrier is { } owner && owner != carrier)
        {
            owner.EnqueueKill(this, isAbandoned: false);
            return;
        }

        switch (Core.State)
        {
            case GreenletState.Running:
                throw new GreenletExit("The greenlet disposed of itself.");

            case GreenletState.Suspended:
                carrier.Kill(Core, this, "Killing the greenlet because it was disposed of.");
                if (Core.State != GreenletState.Dead)
                {
                    RaiseSwallowedExit(this);
                }

                break;

            default:
                break;
        }
    }

    /// <summary>
    /// Gets the managed frames of a suspended greenlet, innermost first, without those of whoever created or continued
    /// it; null in every other state.
    /// </summary>
    /// <returns>The frames; null unless it is suspended.</returns>
    /// <exception cref="GreenletException"><see cref="GreenletError.WrongThread"/> on another thread than its own.</exception>
    public StackTrace? GetStackTrace()
    {
        if (State != GreenletState.Suspended)
        {
            return null;
        }

        Carrier carrier = Carrier.OfThisThread;
        return Core.Carrier == carrier ? carrier.Report(Core) : throw WrongThread(this, carrier);
    }

    /// <summary>Sets the trace callback of the calling thread; null for none.</summary>
    /// <param name="callback">Called after each switch of this thread.</param>
    /// <returns>The previous callback.</returns>
    public static GreenletTraceCallback? SetTrace(GreenletTraceCallback? callback)
    {
        Carrier carrier = Carrier.OfThisThread;
        GreenletTraceCallback? previous = carrier.Tracer;
        carrier.Tracer = callback;
        return previous;
    }

    /// <summary>Gets the trace callback of the calling thread.</summary>
    /// <returns>The callback; null if there is none.</returns>
    public static GreenletTraceCallback? GetTrace() => Carrier.OfThisThread.Tracer;

    /// <summary>Describes the greenlet: its type, name, thread and state. The format may change.</summary>
    /// <returns>The text.</returns>
    public override string ToString()
    {
        string state = State switch
        {
            GreenletState.Unstarted => "unstarted",
            GreenletState.Running => "running",
            GreenletState.Suspended => "suspended",
            _ => Core.Carrier is { HasExited: true } ? "(thread exited) dead" : "dead",
        };
        string name = Name is { } text ? $" '{text}'" : string.Empty;
        string thread = OwnerThreadId != 0 ? $" on thread {OwnerThreadId}" : string.Empty;
        return $"{GetType().Name}{name}{thread}, {state}";
    }

    /// <summary>Whether it was asked for a value by another greenlet than the caller, which still waits for that.</summary>
    internal bool IsAskedByAnother(bool isAtYield) =>
        Core.State == GreenletState.Suspended && !isAtYield
        && Carrier.OfThisThreadOrNull is { } carrier && carrier == Core.Carrier
        && Core.Parent is { IsDead: false } asking && asking != carrier.Current;

    internal static Greenlet CreateMain(Carrier carrier) => new(carrier);

    internal static GreenletException WrongThread(Greenlet target, Carrier caller)
    {
        Carrier? owner = target.Core.Carrier ?? Lineage(target);
        return owner is null or { HasExited: true } || !owner.IsThreadAlive
            ? new GreenletException(GreenletError.ThreadExited, $"{target} belongs to thread {owner?.ThreadId}, which has ended; the caller is thread {caller.ThreadId}.")
            : new GreenletException(GreenletError.WrongThread, $"{target} belongs to thread {owner.ThreadId}, but the caller is thread {caller.ThreadId}. A greenlet can only be used on the thread that first started it.");
    }

    internal static void RaiseUnobservedException(Greenlet greenlet, Exception exception) =>
        UnobservedException?.Invoke(greenlet, new UnobservedGreenletExceptionEventArgs(greenlet, exception));

    internal static void RaiseSwallowedExit(Greenlet greenlet) => RaiseUnobservedException(
        greenlet,
        new GreenletException(GreenletError.NotSupported, $"GreenletExit did not kill {greenlet}: it caught the exception and suspended itself again."));

    /// <summary>Looks up what to run. That may be any code, which may even start this greenlet: false if it is no longer
    /// unstarted.</summary>
    internal bool ResolveRun()
    {
        if (Core.Run is null)
        {
            Func<object?, object?> run = GetRun() ?? throw NoRun();
            if (Core.State != GreenletState.Unstarted)
            {
                return false;
            }

            Core.Run = run;
        }

        return true;
    }

    /// <summary>Ends a greenlet that has not started; false if it has, or is dead.</summary>
    internal bool TryEndUnstarted()
    {
        if (!Core.TryLeaveUnstarted(GreenletState.Dead))
        {
            return false;
        }

        ForgetRun();
        Core.Run = null;
        return true;
    }

    /// <summary>Lets go of the constructor's delegate, and with it of all that it captured.</summary>
    internal void ForgetRun() => _run = null;

    /// <summary>Runs the greenlet: override it to give a derived class its body.</summary>
    /// <param name="value">What the first switch passed.</param>
    /// <returns>What the parent receives.</returns>
    protected virtual object? Run(object? value) => throw NoRun();

    /// <summary>
    /// Looks up what to run: once, at the first start, in the greenlet that switches. It may itself switch. By default
    /// the constructor's delegate, else <see cref="Run"/>.
    /// </summary>
    /// <returns>The body.</returns>
    /// <exception cref="GreenletException"><see cref="GreenletError.NoRun"/>: neither was given; the greenlet stays
    /// unstarted.</exception>
    protected virtual Func<object?, object?> GetRun()
    {
        if (_run is { } given)
        {
            return given;
        }

        Func<object?, object?> run = Run;
        return run.Method.DeclaringType != typeof(Greenlet) || Core.State != GreenletState.Unstarted ? run : throw NoRun();
    }

    // Everything but the switch to a suspended greenlet of this thread. Optimized from the first call, like all that
    // parks: unoptimized code would keep `target` alive from the stack of the greenlet that is left.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal static object? Dispatch(Greenlet target, object? value, ExceptionDispatchInfo? error)
    {
        Carrier carrier = Carrier.OfThisThread;
        if (carrier.HasKills)
        {
            carrier.DrainKills();
        }

        if (carrier.HasExited)
        {
            throw WrongThread(target, carrier); // it is being unwound after its thread's end
        }

        while (true)
        {
            switch (carrier.Resolve(target, error is not null, needsBody: true))
            {
                case Resolution.Continue:
                    return carrier.Transfer(target, value, error);

                case Resolution.Current:
                    error?.Throw();
                    return value;

                case Resolution.WrongThread:
                    throw WrongThread(target, carrier);

                default: // Dead
                    if (error?.SourceException is GreenletExit exit)
                    {
                        value = exit;
                        error = null;
                    }

                    target = target.Core.Parent!;
                    break;
            }
        }
    }

    /// <summary>An unstarted greenlet belongs to the thread of its nearest ancestor that has started.</summary>
    internal static Carrier? Lineage(Greenlet greenlet)
    {
        Greenlet? at = greenlet;
        while (at is not null && at.Core.Carrier is null)
        {
            at = at.Core.Parent;
        }

        return at?.Core.Carrier;
    }

    private GreenletException NoRun() => new(GreenletError.NoRun, $"{this} has nothing to run: pass a delegate to the constructor or override {nameof(Run)}.");

    private void ThrowIfRunningElsewhere()
    {
        if (State == GreenletState.Running && Core.Carrier != Carrier.OfThisThreadOrNull)
        {
            throw WrongThread(this, Carrier.OfThisThread);
        }
    }
}
