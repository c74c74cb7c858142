import { describeLogin } from "@talkdesk-oauth/conformance";
import express from "express";
import { loginApp } from "./login-driver.js";

describeLogin("Express", (setup) => loginApp(express, setup));
