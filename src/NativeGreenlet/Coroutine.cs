using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Runtime.ExceptionServices;
using NativeGreenlet.Scheduling;

namespace NativeGreenlet;

/// <summary>
/// A typed, asymmetric coroutine: <see cref="Resume"/> runs the body until it yields or returns. Nothing is boxed and
/// nothing is allocated per resume.
/// </summary>
/// <remarks>The body refers to the coroutine from its own stack, so that one which is left suspended is not collected by
/// itself: dispose of it.</remarks>
/// <example><code>
/// using Coroutine&lt;int, int&gt; sum = new((self, value) =&gt;
/// {
///     int total = 0;
///     while (true)
///     {
///         total += value;
///         value = self.Yield(total);
///     }
/// });
/// Console.WriteLine(sum.Resume(1)); // 1
/// Console.WriteLine(sum.Resume(2)); // 3
/// </code></example>
/// <typeparam name="TIn">What is passed in.</typeparam>
/// <typeparam name="TOut">What comes out.</typeparam>
public sealed class Coroutine<TIn, TOut> : IDisposable
{
    private readonly Greenlet _greenlet;
    private Func<Coroutine<TIn, TOut>, TIn, TOut>? _body;
    private bool _isAtYield; // and not suspended elsewhere, because the body itself waits for something
    private TIn? _in;
    private TOut? _out;

    /// <summary>Creates a coroutine that has not begun.</summary>
    /// <param name="body">Called at the first resume with the coroutine and the value; what it returns is the result of
    /// the last resume.</param>
    /// <exception cref="ArgumentNullException"><paramref name="body"/> is null.</exception>
    public Coroutine(Func<Coroutine<TIn, TOut>, TIn, TOut> body)
    {
        ArgumentNullException.ThrowIfNull(body);
        _body = body;
        _greenlet = new Greenlet(Start);
    }

    /// <summary>Gets whether the body has ended.</summary>
    public bool IsDead => _greenlet.IsDead;

    /// <summary>Runs the body until it yields or returns.</summary>
    /// <param name="value">What the body's pending <see cref="Yield"/> returns; at the first resume, its argument.</param>
    /// <returns>What it yields or returns.</returns>
    /// <exception cref="InvalidOperationException">The body has ended, or is running; or another greenlet has resumed it and
    /// still waits for what it yields, which goes on undisturbed.</exception>
    /// <exception cref="GreenletException">The coroutine belongs to another thread, or no stack can be had.</exception>
    /// <exception cref="Exception">Whatever leaves the body, be it <see cref="GreenletExit"/>.</exception>
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.AggressiveInlining)] // parks: as Greenlet.Switch
    public TOut Resume(TIn value)
    {
        GreenletState state = _greenlet.Core.State;
        if (state is GreenletState.Dead or GreenletState.Running || (state == GreenletState.Suspended && !_isAtYield))
        {
            ThrowNotResumable();
        }

        Carrier carrier = Carrier.OfThisThread;
        if (carrier.HasKills)
        {
            carrier.DrainKills();
        }

        Greenlet caller = carrier.Current;
        if (_greenlet.Core.Parent != caller)
        {
            _greenlet.Parent = caller; // a yield and the end come back to whoever resumes
        }

        _in = value;
        object? received = carrier.SwitchTo(_greenlet);
        if (received is not null && received is GreenletExit exit && _greenlet.IsDead)
        {
            ExceptionDispatchInfo.Throw(exit); // there is no result
        }

        TOut result = _out!;
        if (RuntimeHelpers.IsReferenceOrContainsReferences<TOut>())
        {
            _out = default;
        }

        return result;
    }

    /// <summary>Suspends the body, inside which it is called, and makes the pending <see cref="Resume"/> return.</summary>
    /// <param name="value">What that resume returns.</param>
    /// <returns>What the next resume passes.</returns>
    /// <exception cref="InvalidOperationException">Called outside of the body.</exception>
    /// <exception cref="GreenletException">Called by another thread while the body runs, or the switch failed.</exception>
    /// <exception cref="GreenletExit">The coroutine is disposed of.</exception>
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.AggressiveInlining)] // parks: as Greenlet.Switch
    [SkipLocalsInit]
    public unsafe TIn Yield(TOut value)
    {
        byte here;
        Carrier? carrier = _greenlet.Core.Carrier;
        if (_greenlet.Core.State != GreenletState.Running || carrier is null || !carrier.IsOfThisThread(&here))
        {
            throw NotYieldable(); // before anything is written: the body that runs on its own thread may have its result there
        }

        _out = value;
        _isAtYield = true;
        _ = carrier.SwitchTo(_greenlet.Core.Parent!);
        _isAtYield = false;
        return TakeIn();
    }

    /// <summary>Ends the body if it is suspended: <see cref="GreenletExit"/> is raised in it.</summary>
    /// <exception cref="InvalidOperationException">Another greenlet has resumed it and still waits for what it yields.</exception>
    /// <exception cref="Exception">Whatever leaves the body besides <see cref="GreenletExit"/>.</exception>
    public void Dispose()
    {
        if (_greenlet.IsAskedByAnother(_isAtYield))
        {
            throw new InvalidOperationException("The coroutine cannot be disposed of: another greenlet has resumed it and waits for what it yields.");
        }

        bool wasAtYield = _isAtYield;
        _isAtYield = false; // the exit ends that
        bool isDone = false;
        try
        {
            _greenlet.Dispose();
            isDone = true;
        }
        finally
        {
            // It could not be reached, or will be by its own thread.
            if (_greenlet.Core.State == GreenletState.Suspended && (!isDone || _greenlet.Core.Carrier != Carrier.OfThisThreadOrNull))
            {
                _isAtYield |= wasAtYield;
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Start()
    {
        Func<Coroutine<TIn, TOut>, TIn, TOut> body = _body!;
        _body = null; // what it captured is not kept alive once it has ended
        TOut result = body(this, TakeIn());
        _out = result;
    }

    [DoesNotReturn]
    private void ThrowNotResumable() =>
        throw new InvalidOperationException(
            _greenlet.IsDead ? "The coroutine has ended."
            : _greenlet.Core.State == GreenletState.Running ? "The coroutine cannot resume itself."
            : "The coroutine has been resumed already, and its body waits for something itself: only when it has yielded can the next greenlet resume it.");

    private Exception NotYieldable() => _greenlet.Core.State == GreenletState.Running
        ? Greenlet.WrongThread(_greenlet, Carrier.OfThisThread)
        : new InvalidOperationException("Yield can only be called by the coroutine's own body.");

    private TIn TakeIn()
    {
        TIn value = _in!;
        if (RuntimeHelpers.IsReferenceOrContainsReferences<TIn>())
        {
            _in = default; // nothing is kept alive once delivered
        }

        return value;
    }
}
