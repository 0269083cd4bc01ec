namespace NativeGreenlet;

/// <summary>Why a parked greenlet was not frozen. More reasons may be added.</summary>
/// <example><code>
/// foreach (GreenletFreezingRefusal reason in Enum.GetValues&lt;GreenletFreezingRefusal&gt;())
/// {
///     Console.WriteLine($"{reason}: {GreenletDiagnostics.Freezing.Refused(reason)}");
/// }
/// </code></example>
public enum GreenletFreezingRefusal
{
    /// <summary>Which words of its stack are references is not known yet; it is found out when there is time, for what is met often.</summary>
    NotLearned,

    /// <summary>It is parked inside a <c>catch</c>, <c>finally</c> or filter, a static constructor or a reflection call, or below native
    /// code.</summary>
    NotPlain,

    /// <summary>It pins an object.</summary>
    Pins,

    /// <summary>It runs code that can be unloaded, or with types that may be, and so many others do that there is no room for it.</summary>
    Unloadable,

    /// <summary>Its stack is deeper than what is looked at, 16 KiB.</summary>
    Deep,

    /// <summary>Which words of its stack are references could not be found out, or there was no memory.</summary>
    NotLearnable,
}
