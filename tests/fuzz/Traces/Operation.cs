namespace NativeGreenlet.Fuzz.Traces;

/// <summary>One step of a trace, and the steps inside of it.</summary>
/// <param name="id">Its place in the trace: by it a step can be left out.</param>
/// <param name="kind">What it does.</param>
/// <param name="number">Which variant, how often, whom: each kind takes it in its own way.</param>
/// <param name="parts">What happens inside: the body, then, where the kind has them, handlers and the filter.</param>
internal sealed class Operation(int id, OperationKind kind, int number, params Operation[][] parts)
{
    public int Id { get; } = id;

    public OperationKind Kind { get; } = kind;

    public int Number { get; } = number;

    public IReadOnlyList<Operation[]> Parts { get; } = parts;

    /// <summary>What happens inside the try block, or in the callee.</summary>
    public Operation[] Body { get; } = parts.Length > 0 ? parts[0] : [];

    /// <summary>What happens in the catch or finally block, or when the asynchronous method goes on.</summary>
    public Operation[] Handler { get; } = parts.Length > 1 ? parts[1] : [];

    /// <summary>What happens in the filter, or in the outer handler.</summary>
    public Operation[] Third { get; } = parts.Length > 2 ? parts[2] : [];
}
