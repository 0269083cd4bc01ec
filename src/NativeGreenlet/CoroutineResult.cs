namespace NativeGreenlet;

/// <summary>What <see cref="Coroutine{TIn, TYield, TReturn}.Resume"/> gives: a value that the body yielded, or that with which it
/// returned.</summary>
/// <example><code>
/// using Coroutine&lt;string, int, string&gt; lengths = new((self, word) =&gt;
/// {
///     while (word.Length &gt; 0)
///     {
///         word = self.Yield(word.Length);
///     }
///
///     return "end";
/// });
/// CoroutineResult&lt;int, string&gt; result = lengths.Resume("three");
/// Console.WriteLine(result.HasReturned ? result.Returned : $"{result.Yielded}"); // 5
/// </code></example>
/// <typeparam name="TYield">What the body yields.</typeparam>
/// <typeparam name="TReturn">What it returns.</typeparam>
public readonly record struct CoroutineResult<TYield, TReturn>
{
    private readonly TYield? _yielded;
    private readonly TReturn? _returned;

    internal CoroutineResult(bool hasReturned, TYield? yielded, TReturn? returned)
    {
        HasReturned = hasReturned;
        _yielded = yielded;
        _returned = returned;
    }

    /// <summary>Gets whether the body has returned, and not yielded.</summary>
    public bool HasReturned { get; }

    /// <summary>Gets what the body yielded.</summary>
    /// <exception cref="InvalidOperationException">It has returned.</exception>
    public TYield Yielded => HasReturned
        ? throw new InvalidOperationException("The body has returned; it has not yielded. Ask HasReturned first, and read Returned.")
        : _yielded!;

    /// <summary>Gets what the body returned.</summary>
    /// <exception cref="InvalidOperationException">It has not: it has yielded, or this is the default value.</exception>
    public TReturn Returned => HasReturned
        ? _returned!
        : throw new InvalidOperationException("The body has yielded; it has not returned. Ask HasReturned first, and read Yielded.");
}
