using System.Collections;
using System.Diagnostics.CodeAnalysis;
using NativeGreenlet.Core;

namespace NativeGreenlet;

/// <summary>
/// A sequence produced by a plain function that calls <see cref="Yield"/>, itself or from functions it calls, at any
/// depth: no <c>yield return</c>, no state machine. Mirrors the generators of greenlet's documentation (row 53).
/// </summary>
/// <remarks>Each enumeration runs the body anew, in a greenlet of its own, on the enumerating thread. Disposing of the
/// enumerator, as <c>foreach</c> does, ends a body that is not finished: its <c>finally</c> blocks run.</remarks>
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

    /// <summary>Gives a value to whoever enumerates the generator that the caller runs in, and waits until that asks for
    /// the next.</summary>
    /// <param name="value">The value.</param>
    /// <param name="level">1 for the innermost generator around the caller, 2 for the one that enumerates it, and so on:
    /// a generator inside another may yield for the outer one.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="level"/> is less than 1.</exception>
    /// <exception cref="InvalidOperationException">The caller runs in fewer generators than that, or the one meant is of
    /// another type of values.</exception>
    [SuppressMessage("Design", "CA1000:Do not declare static members on generic types", Justification = "The type says what may be yielded.")]
    public static void Yield(T value, int level = 1)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(level, 1);
        GeneratorGreenlet? generator = GeneratorGreenlet.Around(Greenlet.Current);
        Span<GeneratorGreenlet?> outer = new GeneratorGreenlet?[level]; // innermost first
        for (int i = 0; i < level; i++)
        {
            if (generator is null)
            {
                throw new InvalidOperationException($"Yield at level {level} was called inside of {i} generators.");
            }

            outer[i] = generator;
            generator = GeneratorGreenlet.Around(generator.Parent);
        }

        if (outer[level - 1] is not GeneratorGreenlet<T> target)
        {
            throw new InvalidOperationException($"The generator at level {level} does not yield values of type {typeof(T)}.");
        }

        for (int i = 1; i < level; i++)
        {
            outer[i]!.Inner = outer[i - 1];
        }

        target.Yielded = value;
        _ = target.Parent!.Switch();
    }

    /// <summary>Starts an enumeration.</summary>
    /// <returns>An enumerator, to be used on this thread and disposed of.</returns>
    public IEnumerator<T> GetEnumerator() => new Enumerator(_body);

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    private sealed class Enumerator(Action body) : IEnumerator<T>
    {
        private readonly GeneratorGreenlet<T> _greenlet = new(body, Greenlet.Current);

        public T Current { get; private set; } = default!;

        object? IEnumerator.Current => Current;

        public bool MoveNext()
        {
            if (_greenlet.IsDead)
            {
                return false;
            }

            _greenlet.Parent = Greenlet.Current; // values and the end come to whoever asks
            GeneratorGreenlet next = _greenlet;
            while (next.Inner is { } inner)
            {
                next.Inner = null;
                next = inner;
            }

            _ = next.Switch();
            if (_greenlet.IsDead)
            {
                Current = default!;
                return false;
            }

            Current = _greenlet.Yielded!;
            _greenlet.Yielded = default;
            return true;
        }

        public void Reset() => throw new NotSupportedException("Enumerate the generator again instead.");

        public void Dispose() => _greenlet.Dispose();
    }
}
