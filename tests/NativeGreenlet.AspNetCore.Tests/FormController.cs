using Microsoft.AspNetCore.Mvc;

namespace NativeGreenlet.AspNetCore.Tests;

/// <summary>A controller whose actions have limits of their own for forms.</summary>
[Route("form")]
public sealed class FormController : ControllerBase
{
    [HttpPost("green")]
    [RequestFormLimits(ValueLengthLimit = 10)]
    public string Post() => LimitTests.Outcome(HttpContext, context => context.Request.Form["a"].ToString());

    [HttpPost("stock")]
    [RequestFormLimits(ValueLengthLimit = 10)]
    [RunOnGreenlet(false)]
    public string PostStock() => Post();

    [HttpPost("parks")]
    [RequestFormLimits(ValueLengthLimit = 1_000_000)]
    public string PostAndPark() => Request.Form["a"].ToString();
}
