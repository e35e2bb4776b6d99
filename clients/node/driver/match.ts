/** The language of clients/conformance/README.md: what is replaced, and what matches. */

import { isDeepStrictEqual } from "node:util";
import type { JsonValue } from "@bufbuild/protobuf";

export type Saved = Map<string, JsonValue>;
type JsonObject = { [key: string]: JsonValue };

/** A copy with every string replaced. */
export function replaced(value: JsonValue, saved: Saved): JsonValue {
  if (typeof value === "string") {
    return replacedText(value, saved);
  }
  if (Array.isArray(value)) {
    return value.map((item) => replaced(item, saved));
  }
  if (isObject(value)) {
    const entries = Object.entries(value);
    return Object.fromEntries(entries.map(([key, item]) => [key, replaced(item, saved)]));
  }
  return value;
}

function replacedText(text: string, saved: Saved): JsonValue {
  const alone = /^\$\{([^}]*)\}$/.exec(text);
  if (alone?.[1] !== undefined) {
    return savedAs(alone[1], saved);
  }
  const filled = text.replaceAll(/\$\{([^}]*)\}/g, (_, name) => String(savedAs(name, saved)));
  const repeat = /^\$repeat:(\d+):(.*)$/s.exec(filled);
  return repeat?.[2] === undefined ? filled : repeat[2].repeat(Number(repeat[1]));
}

function savedAs(name: string, saved: Saved): JsonValue {
  const value = saved.get(name);
  if (value === undefined) {
    throw new Error(`nothing was saved as ${name}`);
  }
  return value;
}

/**
 * Where and why it does not match; undefined if it does. Strings are replaced
 * as it goes, since what one part saves another may use.
 */
export function mismatch(
  template: JsonValue,
  actual: JsonValue | undefined,
  saved: Saved,
  path = "",
): string | undefined {
  const expected = typeof template === "string" ? replacedText(template, saved) : template;
  const differs = `${path || "it"}: expected ${show(expected)}, got ${show(actual)}`;
  if (expected === "$absent") {
    return actual === undefined ? undefined : differs;
  }
  if (actual === undefined) {
    return differs;
  }
  if (typeof expected === "string") {
    return matchesText(expected, actual, saved) ? undefined : differs;
  }
  if (Array.isArray(expected)) {
    return Array.isArray(actual) && actual.length === expected.length
      ? first(expected.map((item, i) => mismatch(item, actual[i], saved, `${path}[${i}]`)))
      : differs;
  }
  if (isObject(expected)) {
    return isObject(actual)
      ? first(
          Object.entries(expected).map(([key, item]) =>
            mismatch(
              item,
              Object.hasOwn(actual, key) ? actual[key] : undefined,
              saved,
              `${path}.${key}`,
            ),
          ),
        )
      : differs;
  }
  return isDeepStrictEqual(expected, actual) ? undefined : differs;
}

function matchesText(expected: string, actual: JsonValue, saved: Saved): boolean {
  const marked = /^\$(any$|save:|gt:|lt:|ne:|contains:)(.*)$/s.exec(expected);
  const argument = marked?.[2] ?? "";
  switch (marked?.[1]) {
    case "any":
      return true;
    case "save:":
      saved.set(argument, actual);
      return true;
    case "gt:":
      return (compared(actual, argument) ?? 0) > 0;
    case "lt:":
      return (compared(actual, argument) ?? 0) < 0;
    case "ne:":
      return typeof actual === "string" && actual !== argument;
    case "contains:":
      return typeof actual === "string" && actual.includes(argument);
    default:
      return actual === expected;
  }
}

/** Above or below 0 as a number is above or below a bound; undefined if it is no number. */
function compared(actual: JsonValue, bound: string): number | undefined {
  if (typeof actual === "string" && /^-?\d+$/.test(actual)) {
    return Number(BigInt(actual) - BigInt(bound));
  }
  return typeof actual === "number" ? actual - Number(bound) : undefined;
}

export function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function show(value: JsonValue | undefined): string {
  const text = JSON.stringify(value) ?? "nothing";
  return text.length > 400 ? `${text.slice(0, 400)}...` : text;
}

function first(reasons: (string | undefined)[]): string | undefined {
  return reasons.find((reason) => reason !== undefined);
}
