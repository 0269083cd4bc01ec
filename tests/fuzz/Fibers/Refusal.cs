namespace NativeGreenlet.Fuzz.Fibers;

/// <summary>What the control throws where a greenlet could not be left.</summary>
internal sealed class Refusal : Exception;
