namespace NativeGreenlet.Runtime;

/// <summary>Something about the runtime is not as this library knows it. The message completes the sentence
/// "this runtime is not one we know: ...".</summary>
internal sealed class UnsupportedRuntimeException : Exception
{
    public UnsupportedRuntimeException(string message)
        : base(message)
    {
    }

    public UnsupportedRuntimeException(string message, Exception innerException)
        : base(message, innerException)
    {
    }

    /// <summary>Whether it may be mere chance, and another thread may show another picture.</summary>
    public bool MayBeChance { get; init; }
}
