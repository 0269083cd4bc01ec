namespace NativeGreenlet.Cooperative.Tests.Infrastructure;

/// <summary>A part of a test that needs a process of its own: the test runner passes it over, and <see cref="Program"/> runs
/// it on the main thread of a child (<see cref="Child"/>).</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class InChildAttribute : Attribute;
