namespace NativeGreenlet.Weaving;

/// <summary>The weaver was given something that it cannot weave; the message says what to do.</summary>
internal sealed class WeaveException(string message) : Exception(message);
