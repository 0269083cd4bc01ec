using System.ComponentModel;

namespace NativeGreenlet;

/// <summary>The result of a function that never returns: it throws, or goes on for ever. There is no such object.</summary>
/// <remarks>A lambda that only throws, or loops for ever, fits every delegate. Overloads with <c>Func&lt;Never&gt;</c> take those, so
/// that the overloads which refuse asynchronous functions (<c>Func&lt;Task&gt;</c>) do not. No asynchronous lambda is a
/// <c>Func&lt;Never&gt;</c>.</remarks>
/// <example><code>
/// Greenlet endless = new(() =>
/// {
///     while (true)
///     {
///         Greenlet.Current.Parent!.Switch("a body that never returns");
///     }
/// });
/// </code></example>
[EditorBrowsable(EditorBrowsableState.Never)]
public abstract class Never : Task
{
    private Never()
        : base(static () => { })
    {
    }
}
