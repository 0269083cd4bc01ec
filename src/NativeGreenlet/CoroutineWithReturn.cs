using System.Runtime.CompilerServices;

namespace NativeGreenlet;

/// <summary>
/// A typed, asymmetric coroutine that yields values of one type and returns a value of another. <see cref="Resume"/> says which of
/// the two it was. Nothing is boxed and nothing is allocated per resume.
/// </summary>
/// <remarks>As <see cref="Coroutine{TIn, TOut}"/>: one that is left suspended is not collected by itself, so dispose of it.</remarks>
/// <example><code>
/// using Coroutine&lt;int, int, string&gt; sum = new((self, value) =&gt;
/// {
///     int total = 0;
///     while (value != 0)
///     {
///         total += value;
///         value = self.Yield(total);
///     }
///
///     return $"the sum is {total}";
/// });
/// Console.WriteLine(sum.Resume(1).Yielded); // 1
/// Console.WriteLine(sum.Resume(2).Yielded); // 3
/// Console.WriteLine(sum.Resume(0).Returned); // the sum is 3
/// </code></example>
/// <typeparam name="TIn">What is passed in.</typeparam>
/// <typeparam name="TYield">What the body yields.</typeparam>
/// <typeparam name="TReturn">What it returns.</typeparam>
public sealed class Coroutine<TIn, TYield, TReturn> : IDisposable
{
    private readonly Coroutine<TIn, CoroutineResult<TYield, TReturn>> _coroutine;

    /// <summary>Creates a coroutine that has not begun.</summary>
    /// <param name="body">Called at the first resume with the coroutine and the value.</param>
    /// <exception cref="ArgumentNullException"><paramref name="body"/> is null.</exception>
    public Coroutine(Func<Coroutine<TIn, TYield, TReturn>, TIn, TReturn> body)
    {
        ArgumentNullException.ThrowIfNull(body);
        _coroutine = new Coroutine<TIn, CoroutineResult<TYield, TReturn>>(
            (_, value) => new CoroutineResult<TYield, TReturn>(hasReturned: true, default, body(this, value)));
    }

    /// <summary>Gets whether the body has ended.</summary>
    public bool IsDead => _coroutine.IsDead;

    /// <summary>Runs the body until it yields or returns.</summary>
    /// <param name="value">What the body's pending <see cref="Yield"/> returns; at the first resume, its argument.</param>
    /// <returns>What it yields or returns.</returns>
    /// <exception cref="InvalidOperationException">The body has ended, or is running; or another greenlet has resumed it and
    /// still waits for what it yields, which goes on undisturbed.</exception>
    /// <exception cref="GreenletException">The coroutine belongs to another thread, or no stack can be had.</exception>
    /// <exception cref="Exception">Whatever leaves the body, be it <see cref="GreenletExit"/>.</exception>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)] // parks: nothing may be kept alive from here
    public CoroutineResult<TYield, TReturn> Resume(TIn value) => _coroutine.Resume(value);

    /// <summary>Suspends the body, inside which it is called, and makes the pending <see cref="Resume"/> return.</summary>
    /// <param name="value">What that resume gives as <see cref="CoroutineResult{TYield, TReturn}.Yielded"/>.</param>
    /// <returns>What the next resume passes.</returns>
    /// <exception cref="InvalidOperationException">Called outside of the body.</exception>
    /// <exception cref="GreenletException">Called by another thread while the body runs, or the switch failed.</exception>
    /// <exception cref="GreenletExit">The coroutine is disposed of.</exception>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)] // parks: nothing may be kept alive from here
    public TIn Yield(TYield value) => _coroutine.Yield(new CoroutineResult<TYield, TReturn>(hasReturned: false, value, default));

    /// <summary>Ends the body if it is suspended: <see cref="GreenletExit"/> is raised in it.</summary>
    /// <exception cref="InvalidOperationException">Another greenlet has resumed it and still waits for what it yields.</exception>
    /// <exception cref="Exception">Whatever leaves the body besides <see cref="GreenletExit"/>.</exception>
    public void Dispose() => _coroutine.Dispose();
}
