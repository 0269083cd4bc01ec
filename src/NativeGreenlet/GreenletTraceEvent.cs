namespace NativeGreenlet;

/// <summary>What a trace callback is told of. More kinds may be added: ignore those you do not know.</summary>
public enum GreenletTraceEvent
{
    /// <summary>The target continues with a value.</summary>
    Switch,

    /// <summary>The target continues with an exception.</summary>
    Throw,
}
