namespace NativeGreenlet.Weaving;

/// <summary>Marks an assembly that was woven. The weaver adds it, and weaves no assembly that has it.</summary>
/// <example><code>
/// bool isWoven = typeof(NpgsqlConnection).Assembly.IsDefined(typeof(GreenletWovenAttribute), inherit: false);
/// </code></example>
[AttributeUsage(AttributeTargets.Assembly)]
public sealed class GreenletWovenAttribute : Attribute
{
}
