namespace NativeGreenlet.Weaving;

/// <summary>
/// Marks a static class whose public methods stand in for blocking methods of another type in woven code. The weaver reads
/// its table of rewrites from these classes: those of this assembly, and those of assemblies that
/// <c>GreenletWeaveTwins</c> names.
/// </summary>
/// <remarks>
/// <para>A twin has the name, the parameters and the result of its original. The twin of an instance method takes the instance first, that
/// of a method of a structure takes it by reference. The type parameters of a generic original type come before those of the
/// method. A twin of a virtual method stands in for its overrides, too.</para>
/// <para>On a method the attribute gives the original's name, if C# has none: <c>get_Result</c>, <c>.ctor</c>.</para>
/// </remarks>
/// <example><code>
/// [GreenletTwin(typeof(Printer))]
/// public static class PrinterTwin
/// {
///     public static void Print(Printer self, string text)
///     {
///         if (Hub.IsInside)
///         {
///             Hub.Offload(() => self.Print(text)); // parks the task
///         }
///         else
///         {
///             self.Print(text);
///         }
///     }
/// }
///
/// public class Printer
/// {
///     public void Print(string text) { }
/// }
/// </code></example>
[AttributeUsage(AttributeTargets.Class | AttributeTargets.Method, AllowMultiple = true)]
public sealed class GreenletTwinAttribute : Attribute
{
    /// <summary>Marks a class with the type that its methods stand in for.</summary>
    /// <param name="original">The type; a generic one without arguments.</param>
    public GreenletTwinAttribute(Type original)
    {
        Original = original;
    }

    /// <summary>Marks a method with the name of what it stands in for.</summary>
    /// <param name="member">The name in metadata.</param>
    public GreenletTwinAttribute(string member)
    {
        Member = member;
    }

    /// <summary>Gets the type; null on a method.</summary>
    public Type? Original { get; }

    /// <summary>Gets the name of the original; null on a class.</summary>
    public string? Member { get; }

    /// <summary>Gets or sets a value indicating whether the original is static although its first parameter is of the original type.</summary>
    public bool IsStatic { get; set; }
}
