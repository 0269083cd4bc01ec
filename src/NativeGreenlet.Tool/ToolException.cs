namespace NativeGreenlet.LiveView;

/// <summary>What the user asked for cannot be had; the message is a sentence that says why, and what to do.</summary>
internal sealed class ToolException(string message, Exception? innerException = null) : Exception(message, innerException);
