namespace NativeGreenlet.Build;

/// <summary>Ends the program: the message says what is wrong and what to do.</summary>
internal sealed class StopException(string message) : Exception(message);
