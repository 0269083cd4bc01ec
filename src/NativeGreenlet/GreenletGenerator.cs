using System.Collections;
using System.ComponentModel;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Runtime.ExceptionServices;
using NativeGreenlet.Generators;
using NativeGreenlet.Scheduling;

namespace NativeGreenlet;

/// <summary>
/// A sequence produced by a plain function that calls <see cref="Yield"/>, itself or from functions it calls, at any
/// depth: no <c>yield return</c>, no state machine. Mirrors the generators of greenlet's documentation.
/// </summary>
/// <remarks>Each enumeration runs the body anew, in a greenlet of its own, on the enumerating thread: that which asks for the first
/// value must ask for all. <c>await</c> inside a <c>foreach</c> over a generator goes on on another thread (except inside
/// <c>Hub.Run</c> of NativeGreenlet.Cooperative), and <c>Parallel.ForEach</c> uses several; <c>MoveNext</c> throws there a
/// <see cref="GreenletException"/> for <see cref="GreenletError.WrongThread"/>. Make a list of the values first,
/// <c>generator.ToList()</c>. Disposing of the enumerator, as <c>foreach</c> does, ends a body that is not finished: its
/// <c>finally</c> blocks run.</remarks>
/// <example><code>
/// GreenletGenerator&lt;int&gt; numbers = new(() =&gt; Count(3));
/// Console.WriteLine(string.Join(", ", numbers)); // 1, 2, 3
///
/// static void Count(int last)
/// {
///     if (last &gt; 1)
///     {
///         Count(last - 1);
///     }
///
///     GreenletGenerator&lt;int&gt;.Yield(last);
/// }
/// </code></example>
/// <typeparam name="T">The type of the values.</typeparam>
[SuppressMessage("Naming", "CA1710:Identifiers should have correct suffix", Justification = "It is a generator, not a collection.")]
public class GreenletGenerator<T> : IEnumerable<T>
{
    private readonly Action _body;

    /// <summary>Creates a generator.</summary>
    /// <param name="body">What yields the values. An exception that leaves it is thrown to the enumerating code.</param>
    /// <exception cref="ArgumentNullException"><paramref name="body"/> is null.</exception>
    public GreenletGenerator(Action body)
    {
        ArgumentNullException.ThrowIfNull(body);
        _body = body;
    }

    /// <summary>Creates a generator whose body throws, or goes on for ever.</summary>
    /// <inheritdoc cref="GreenletGenerator{T}(Action)"/>
    [OverloadResolutionPriority(1)]
    [EditorBrowsable(EditorBrowsableState.Never)]
    public GreenletGenerator(Func<Never> body)
    {
        ArgumentNullException.ThrowIfNull(body);
        _body = () => body();
    }

    /// <summary>Refuses an asynchronous body: a generator has ended when its body has returned.</summary>
    /// <param name="body">The body.</param>
    /// <exception cref="NotSupportedException">Always.</exception>
    [Obsolete("A generator cannot await: what comes after the first await would be lost to it. Write an async iterator (IAsyncEnumerable<T>), or wait inside the body by Hub.Await(...) of NativeGreenlet.Cooperative.", error: true)]
    [EditorBrowsable(EditorBrowsableState.Never)]
    public GreenletGenerator(Func<Task> body) => throw new NotSupportedException("A generator cannot await.");

    /// <summary>Gives a value to the code that enumerates the generator in which the caller runs, and suspends the caller
    /// until that code asks for the next value.</summary>
    /// <param name="value">The value.</param>
    /// <param name="level">1 for the innermost generator around the caller, 2 for the one that enumerates it, and so on:
    /// a generator inside another may yield for the outer one.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="level"/> is less than 1.</exception>
    /// <exception cref="InvalidOperationException">The caller runs in fewer generators than that, or the one meant is of
    /// another type of values.</exception>
    /// <exception cref="GreenletExit">The enumerator is disposed of.</exception>
    [SuppressMessage("Design", "CA1000:Do not declare static members on generic types", Justification = "The type says what may be yielded.")]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)] // parks: nothing may be kept alive from here
    public static void Yield(T value, int level = 1) => _ = Deliver(value, level).Switch();

    /// <summary>Starts an enumeration.</summary>
    /// <returns>An enumerator, to be used on this thread and disposed of. Greenlets may share it, but only one at a time asks for
    /// a value: while the body waits for something itself, another that asks, or disposes of it, gets an
    /// <see cref="InvalidOperationException"/>, and the first goes on undisturbed. A body that ends by
    /// <see cref="GreenletExit"/> has it thrown to whoever asked.</returns>
    public IEnumerator<T> GetEnumerator() => new Enumerator(_body);

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    // Leaves a value where the enumerating greenlet finds it; returns that greenlet.
    private static Greenlet Deliver(T value, int level)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(level, 1);
        Greenlet current = Greenlet.Current;
        GeneratorGreenlet? generator = GeneratorGreenlet.Around(current);
        for (int i = 1; i < level && generator is not null; i++)
        {
            generator = GeneratorGreenlet.Around(generator.Core.TreeParent);
        }

        if (generator is not GeneratorGreenlet<T> target)
        {
            throw new InvalidOperationException(generator is null
                ? $"Yield at level {level} was called inside of fewer generators."
                : $"The generator at level {level} does not yield values of type {typeof(T)}.");
        }

        // When the next value is asked for, the caller goes on, not the greenlets that wait for it.
        for (Greenlet inner = current; inner != target; inner = generator)
        {
            generator = GeneratorGreenlet.Around(inner.Core.TreeParent)!;
            generator.Inner = inner;
        }

        target.Yielded = value;
        target.IsAtYield = true;
        return target.Parent!;
    }

    private sealed class Enumerator(Action body) : IEnumerator<T>
    {
        private readonly GeneratorGreenlet<T> _greenlet = new(body, Greenlet.Current);

        public T Current { get; private set; } = default!;

        object? IEnumerator.Current => Current;

        [MethodImpl(MethodImplOptions.AggressiveOptimization)] // parks: nothing may be kept alive from here
        public bool MoveNext()
        {
            if (_greenlet.IsDead)
            {
                return false;
            }

            if (_greenlet.Core.State != GreenletState.Unstarted && !_greenlet.IsAtYield)
            {
                throw new InvalidOperationException("The generator is being asked for its next value already: by another greenlet, or its own body.");
            }

            bool wasAtYield = _greenlet.IsAtYield;
            Greenlet next = Prepare();
            object? received;
            _greenlet.IsAtYield = false;
            try
            {
                received = next.Switch();
            }
            catch (GreenletException) when (WasNotReached(wasAtYield))
            {
                throw;
            }

            if (_greenlet.Core.State == GreenletState.Dead)
            {
                Current = default!;
                if (received is GreenletExit exit)
                {
                    ExceptionDispatchInfo.Throw(exit); // it was killed: that is no end of the sequence
                }

                return false;
            }

            Current = _greenlet.Yielded!;
            _greenlet.Yielded = default;
            return true;
        }

        public void Reset() => throw new NotSupportedException("Enumerate the generator again instead.");

        public void Dispose()
        {
            if (_greenlet.IsAskedByAnother(_greenlet.IsAtYield))
            {
                throw new InvalidOperationException("The enumerator cannot be disposed of: another greenlet waits for the generator's next value.");
            }

            bool wasAtYield = _greenlet.IsAtYield;
            _greenlet.IsAtYield = wasAtYield && _greenlet.Core.Carrier != Carrier.OfThisThreadOrNull; // that thread will end it
            try
            {
                _greenlet.Dispose();
            }
            catch (GreenletException) when (WasNotReached(wasAtYield))
            {
                throw;
            }
        }

        // There was no thread record, say: it is where it was.
        private bool WasNotReached(bool wasAtYield)
        {
            _greenlet.IsAtYield = wasAtYield;
            return false;
        }

        // Values and the end come to whoever asks. Returns whom to continue.
        private Greenlet Prepare()
        {
            Greenlet current = Greenlet.Current;
            if (_greenlet.Core.Parent != current)
            {
                if (_greenlet.Core.Carrier is { } owner && owner != Carrier.OfThisThread)
                {
                    throw new GreenletException(
                        GreenletError.WrongThread,
                        $"This enumeration of a GreenletGenerator<{typeof(T).Name}> belongs to thread {owner.ThreadId}, which asked it for its first item; now thread {Carrier.OfThisThread.ThreadId} asks. "
                        + "An await inside foreach goes on on another thread, and Parallel.ForEach uses several: make a list first, generator.ToList(), or enumerate inside Hub.Run, where await comes back to the same thread.");
                }

                _greenlet.Parent = current;
            }

            Greenlet next = _greenlet;
            while (next is GeneratorGreenlet { Inner: { } inner } generator)
            {
                generator.Inner = null;
                next = inner;
            }

            return next;
        }
    }
}
